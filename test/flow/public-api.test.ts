/**
 * What users type: each way to use the package, as short as it is meant to be, compiles and does what it
 * says. The tests are numbered like the examples of the design.
 */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express, { type ErrorRequestHandler, type Express } from 'express'
import passport from 'passport'
import { z } from 'zod'
import {
  type AuthorizationServer,
  createAuthorizationServer,
  fromProxyHeader,
  loadDeployment,
  MtlsSecretStrategy,
  OAuthError,
  openTrust,
  remoteKeys,
  requireToken,
  serverOptions,
} from '../../lib'
import { definePlugin } from '../../lib/plugin'
import { memoryStore, openStore, sqliteStore } from '../../lib/store'
import { type TestCertificate, testCertificate } from '../support/certificates'
import { type Answer, type Caller, claimsOf, exchange } from '../support/world'

let folder: string
let close: (() => Promise<unknown>)[] = []
const own = testCertificate({ name: 'localhost', server: true })
const [billing, other] = [testCertificate({ name: 'billing' }), testCertificate({ name: 'other' })]
const identity = ({ pem: cert, key }: TestCertificate) => ({ cert, key })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'public-api-'))
})
afterEach(async () => {
  for (const closeOne of close.reverse()) await closeOne()
  close = []
  await rm(folder, { recursive: true })
})

function closing(server: AuthorizationServer): AuthorizationServer {
  close.push(() => server.close())
  return server
}

interface Listening {
  url: string
  post(path: string, form: Record<string, string>, by?: Caller): Promise<Answer>
  get(path: string, by?: Caller): Promise<Answer>
}

/** Example 2: the TLS server stays the user's, with our safe settings. */
async function listen(app: Express): Promise<Listening> {
  const { key, pem: cert } = own
  const trust = await openTrust()
  const https: Server = createServer({ key, cert, ...serverOptions(app, { trust }) }, app).listen(0)
  close.push(async () => {
    https.closeAllConnections()
    https.close()
  })
  await new Promise((resolve) => https.once('listening', resolve))
  const { port } = https.address() as AddressInfo
  return {
    url: `https://localhost:${port}`,
    post: (path, form, by = {}) =>
      exchange(port, 'POST', path, Buffer.from(new URLSearchParams(form).toString()), {
        ca: own.pem,
        ...by,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...by.headers },
      }),
    get: (path, by = {}) => exchange(port, 'GET', path, undefined, { ca: own.pem, ...by }),
  }
}

/** Example 10: a service provider by code; the secret exists only in this answer. */
async function createBilling(server: AuthorizationServer) {
  await writeFile(join(folder, 'billing.pem'), billing.pem)
  const { client, client_secret } = await server.clients.create({
    client_name: 'billing',
    grant_types: ['client_credentials'],
    scope: 'invoices:read',
    certificate: await readFile(join(folder, 'billing.pem'), 'utf8'),
  })
  return { client_id: client.client_id, client_secret: client_secret ?? '' }
}

const issuer = 'https://localhost:9443'
const asBilling = { certificate: identity(billing) }
const grant_type = 'client_credentials'

test('1, 2, 10: a token endpoint in an app of one’s own', async () => {
  const store = sqliteStore(join(folder, 'clients.db'))
  const server = closing(await createAuthorizationServer({ issuer, store }))
  const app = express()
  app.use(server.router) // /oauth2/token …, /.well-known/…; `path: '/oauth2'` is an option
  const { post, get } = await listen(app)

  const credentials = await createBilling(server)
  const { status, json } = await post('/oauth2/token', { grant_type, ...credentials }, asBilling)
  expect(status).toBe(200)
  expect(claimsOf(json.access_token).cnf).toEqual({ 'x5t#S256': billing.thumbprint })
  const { json: metadata } = await get('/.well-known/oauth-authorization-server')
  expect(metadata.token_endpoint).toBe(`${issuer}/oauth2/token`)
})

test('the path of the endpoints is an option', async () => {
  const options = { issuer, store: memoryStore(), path: '/auth' }
  const server = closing(await createAuthorizationServer(options))
  const { post, get } = await listen(express().use(server.router))
  const credentials = await createBilling(server)
  expect((await post('/auth/token', { grant_type, ...credentials }, asBilling)).status).toBe(200)
  expect((await get('/.well-known/openid-configuration')).json.jwks_uri).toBe(`${issuer}/auth/jwks`)
})

test('3, 5: Passport with our client registry, and the same without Passport', async () => {
  const server = closing(await createAuthorizationServer({ issuer, store: memoryStore() }))
  const app = express()
  passport.use(new MtlsSecretStrategy(server))
  app.post('/jobs', passport.authenticate('mtls-secret', { session: false }), (req, res) => {
    res.json(req.user)
  })
  app.post('/plain', server.authenticateClient(), (req, res) => {
    res.json({ by: req.oauth?.client?.client_id })
  })
  app.use(server.errorHandler)
  const { post } = await listen(app)

  const credentials = await createBilling(server)
  const { client_id } = credentials
  expect((await post('/jobs', credentials, asBilling)).json).toMatchObject({ client_id })
  expect((await post('/plain', credentials, asBilling)).json).toEqual({ by: client_id })
  for (const path of ['/jobs', '/plain']) {
    const { status } = await post(path, credentials, { certificate: identity(other) })
    expect(status).toBe(401)
  }
})

test('4: Passport with the user’s own registry: an object or false, nothing else', async () => {
  const findApp = async (client_id: string) =>
    client_id === 'mine'
      ? {
          name: 'mine',
          matches: (secret: string, thumbprint: string) =>
            secret === 'right' && thumbprint === billing.thumbprint,
        }
      : undefined
  passport.use(
    new MtlsSecretStrategy(async ({ client_id, client_secret, certificate }) => {
      const found = await findApp(client_id)
      return certificate && found?.matches(client_secret, certificate.thumbprint) ? found : false
    }),
  )
  const app = express()
  app.post('/jobs', passport.authenticate('mtls-secret', { session: false }), (req, res) => {
    res.json(req.user)
  })
  const { post } = await listen(app)
  const right = { client_id: 'mine', client_secret: 'right' }
  expect((await post('/jobs', right, asBilling)).json).toEqual({ name: 'mine' })
  expect((await post('/jobs', { ...right, client_secret: 'wrong' }, asBilling)).status).toBe(401)
  expect((await post('/jobs', right)).status).toBe(401)
})

test('6: a resource route takes the keys from where the issuer publishes them', async () => {
  const audience = 'https://api.example'
  const server = closing(await createAuthorizationServer({ store: memoryStore() }))
  const authorization = await listen(express().use(server.router))
  server.listensAt(authorization.url)
  const issuer = authorization.url
  const { client, client_secret = '' } = await server.clients.create({
    client_name: 'billing',
    scope: 'accounts:read',
    resources: [audience],
    certificate: billing.pem,
  })
  const { client_id } = client
  const form = { grant_type, client_id, client_secret, resource: audience }
  const { json } = await authorization.post('/oauth2/token', form, asBilling)

  const jwks_uri = `${issuer}/oauth2/jwks`
  const api = express()
  api.get(
    '/accounts',
    requireToken({
      issuer,
      audience: 'https://api.example',
      keys: remoteKeys(jwks_uri, { ca: own.pem }),
      scope: 'accounts:read',
    }),
    (req, res) => {
      res.json({ client_id: req.token?.client_id })
    },
  )
  const { get } = await listen(api)
  const headers = { authorization: `Bearer ${json.access_token}` }
  expect((await get('/accounts', { headers, ...asBilling })).json).toEqual({ client_id })
  const stolen = await get('/accounts', { headers, certificate: identity(other) })
  expect([stolen.status, stolen.json.error]).toEqual([401, 'invalid_token'])
})

// Example 7: a plugin in ten lines.
const tenantClaim = definePlugin({
  name: 'tenant-claim',
  order: 910,
  properties: z.strictObject({ claim: z.string().default('tenant') }), // any Standard Schema
  setup: ({ properties }) => ({
    listener: {
      beforeIssue: ({ client }) => ({ [properties.claim]: client.client_name }),
    },
  }),
})

test('7: a plugin by code is on at its own order, and the standard plugins are there anyway', async () => {
  const options = { issuer, store: memoryStore(), plugins: [tenantClaim] }
  const server = closing(await createAuthorizationServer(options))
  expect(String(server.handlers)).toBe(
    '200 mtls-secret · 300 authorization_code · 310 client_credentials · 320 password · ' +
      '330 refresh_token · 900 audit-log · 910 tenant-claim',
  )
  const { post } = await listen(express().use(server.router))
  const credentials = await createBilling(server)
  const { json } = await post('/oauth2/token', { grant_type, ...credentials }, asBilling)
  expect(claimsOf(json.access_token).tenant).toBe('billing')
})

test('refuses a plugin by code under the name of a built-in one, and names both', async () => {
  const lenient = definePlugin({ name: 'mtls-secret', setup: () => ({ listener: {} }) })
  await expect(
    createAuthorizationServer({ issuer, store: memoryStore(), plugins: [lenient] }),
  ).rejects.toThrow(
    /^Two plugins are named "mtls-secret": of mtls-secret itself and of the program\./,
  )
})

/** Example 14: the seed's block loads unchanged. */
async function writeDeployment(more = ''): Promise<string> {
  const file = join(folder, 'deployment.toml')
  await writeFile(
    file,
    `${more}
[[event_listener]]
id = "mutual_ssl"
type = "org.wso2.carbon.identity.core.handler.AbstractIdentityHandler"
name = "org.wso2.carbon.identity.oauth2.token.handler.clientauth.tlswithidsecret.MutualTLSWithIdSecretAuthenticator"
order = 200
[event_listener.properties]
"MandateMutualSSL" = true
`,
  )
  return file
}

test('8, 14: configured by deployment.toml; the TOML names, orders and sets', async () => {
  const deployment = await loadDeployment(await writeDeployment())
  const store = await openStore(deployment.database.url)
  const server = closing(
    await createAuthorizationServer({
      ...deployment,
      store,
      plugins: [...deployment.plugins, tenantClaim],
    }),
  )
  expect(String(server.handlers)).toBe(
    '200 mutual_ssl (mtls-secret) · 300 authorization_code · 310 client_credentials · ' +
      '320 password · 330 refresh_token · 900 audit-log · 910 tenant-claim',
  )
  await server.reload()
  expect(String(server.handlers)).toMatch(/910 tenant-claim$/)
  expect(server.issuer).toBe(issuer)
})

test('11: behind a proxy there is one source, with all four facts', async () => {
  const toml = '[super_admin]\npassword = "not the known one"\n'
  const deployment = await loadDeployment(await writeDeployment(toml))
  const server = closing(
    await createAuthorizationServer({
      ...deployment,
      store: memoryStore(),
      certificate: fromProxyHeader({
        trusted: ['127.0.0.0/8'],
        header: 'client-cert',
        format: 'rfc9440',
        verified: { header: 'x-client-verify', value: 'SUCCESS' },
      }),
    }),
  )
  const { post } = await listen(express().use(server.router))
  const credentials = { grant_type, ...(await createBilling(server)) }
  const headers = { 'client-cert': `:${billing.der.toString('base64')}:` }
  const verified = { ...headers, 'x-client-verify': 'SUCCESS' }
  expect((await post('/oauth2/token', credentials, { headers: verified })).status).toBe(200)
  expect((await post('/oauth2/token', credentials, { headers })).status).toBe(401)
  expect((await post('/oauth2/token', credentials, asBilling)).status).toBe(401)
})

test('12: an error page of one’s own', async () => {
  const server = closing(await createAuthorizationServer({ issuer, store: memoryStore() }))
  const app = express()
  app.post('/jobs', server.authenticateClient())
  const onError: ErrorRequestHandler = (error, _req, res, next) =>
    error instanceof OAuthError ? res.status(error.status).json({ error: error.code }) : next(error)
  app.use(onError)
  const { post } = await listen(app)
  const answer = await post('/jobs', { client_id: 'nobody', client_secret: 'x' })
  expect([answer.status, answer.json]).toEqual([401, { error: 'invalid_client' }])
})

test('13: the end of the server is the end of its store', async () => {
  const store = sqliteStore(join(folder, 'clients.db'))
  const server = await createAuthorizationServer({ issuer, store })
  await server.close()
  await expect(server.clients.list()).rejects.toThrow()
})
