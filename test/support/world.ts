import { createServer, request as httpsRequest, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { SecureVersion } from 'node:tls'
import express, { type Express } from 'express'
import { Passport } from 'passport'
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  createAuthorizationServer,
  MtlsSecretStrategy,
  requireToken,
  serverOptions,
} from '../../lib'
import { makeCertificate } from '../../lib/certificate/make'
import { parseCertificate } from '../../lib/certificate/parse'
import type { NewClient } from '../../lib/client/new-client'
import type { Facts } from '../../lib/plugin'
import { memoryStore } from '../../lib/store'

/**
 * Two clients, each with a certificate of its own, before a real TLS server on loopback: so that each
 * test can try the one's things with the other's.
 */
export interface World {
  url: string
  server: AuthorizationServer
  app: Express
  https: Server
  a: Person
  b: Person
  /** Every event, in order, as the operator would read it. */
  events: Event[]
  /** Moves the server's clock. */
  clock: { now(): number; advance(seconds: number): void }
  certificates: typeof certificates
  /** Sends a form; the fields in order, or a body as it is. */
  post(path: string, form: Form, by?: Caller): Promise<Answer>
  get(path: string, by?: Caller): Promise<Answer>
  /** A token request of a client, by its own method and certificate unless told otherwise. */
  token(person: Person, fields?: Record<string, string>, by?: Caller): Promise<Answer>
  /** The one event of that name since the last call; fails when there is none or more. */
  only(event: string): Event
  close(): Promise<void>
}

export interface Person {
  client_id: string
  client_secret: string
  certificate: Identity
  thumbprint: string
}

export interface Identity {
  cert: string
  key: string
}

export interface Caller {
  certificate?: Identity | undefined
  headers?: Record<string, string | string[]>
  method?: string
  maxVersion?: SecureVersion
  /** The address to come from; all of 127.0.0.0/8 is this machine. */
  from?: string
  /** Of the server; this world's unless given. */
  ca?: string
}

export type Form = string | Buffer | Record<string, string> | [string, string][]

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever was answered
  json: any
}

export type Event = Facts & { event: string; level: 'info' | 'warn' | 'error' }

export interface WorldOptions extends Partial<AuthorizationServerOptions> {
  a?: Partial<NewClient>
  b?: Partial<NewClient>
  /** How the token route is mounted; the environment's MTLS_SECRET_MOUNT unless given. */
  mount?: Mount
}

export type Mount = 'router' | 'passport' | 'nested'

const now = Date.now()
const ca = makeCertificate({ name: 'World CA', ca: true, now })
const identity = (name: string, more: object = {}): Identity => {
  const { certificatePem, keyPem } = makeCertificate({ name, now, ...more })
  return { cert: certificatePem, key: keyPem }
}
const certificates = {
  ca,
  server: identity('localhost', { server: true, issuer: ca }),
  a: identity('client-a'),
  b: identity('client-b'),
  stranger: identity('stranger'),
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const { a = {}, b = {}, mount = defaultMount(), ...given } = options
  const events: Event[] = []
  let offset = 0
  const clock = {
    now: () => Date.now() + offset,
    advance: (seconds: number) => {
      offset += seconds * 1000
    },
  }
  const noteAt =
    (level: Event['level']) =>
    (event: string, facts: Facts = {}) => {
      events.push({ event, level, ...facts })
    }
  const server = await createAuthorizationServer({
    store: memoryStore(),
    clock,
    log: { info: noteAt('info'), warn: noteAt('warn'), error: noteAt('error') },
    ...given,
  })
  const app = express()
  mounts[mount](app, server)
  const bound = {
    issuer: () => server.issuer,
    keys: server.keys,
    clock,
    certificate: server.certificate,
  }
  app.get('/me', requireToken(bound), (req, res) => void res.json(req.token))
  app.get('/accounts', requireToken({ ...bound, scope: 'accounts:read' }), (_req, res) => {
    res.json([])
  })
  app.use(server.errorHandler)
  const https = createServer(
    {
      key: certificates.server.key,
      cert: certificates.server.cert,
      ...serverOptions(app, { trust: server.trust }),
    },
    app,
  )
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
  const { port } = https.address() as AddressInfo
  const url = `https://localhost:${port}`
  server.listensAt(url)

  const personOf = async (certificate: Identity, wish: Partial<NewClient>): Promise<Person> => {
    const { client, client_secret } = await server.clients.create({
      client_name: 'someone',
      grant_types: ['client_credentials', 'password', 'refresh_token'],
      scope: 'accounts:read accounts:write',
      ...('without_certificate' in wish || 'certificate' in wish
        ? {}
        : { certificate: certificate.cert }),
      ...wish,
    })
    return {
      client_id: client.client_id,
      client_secret: client_secret ?? '',
      certificate,
      thumbprint: parseCertificate(certificate.cert, 'the test certificate').thumbprint,
    }
  }

  const send = (method: string, path: string, body: Buffer | undefined, by: Caller = {}) =>
    exchange(port, method, path, body, by)
  const post: World['post'] = (path, form, by = {}) =>
    send(by.method ?? 'POST', path, bytesOf(form), {
      ...by,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...by.headers },
    })

  return {
    url,
    server,
    app,
    https,
    a: await personOf(certificates.a, { client_name: 'client-a', ...a }),
    b: await personOf(certificates.b, { client_name: 'client-b', ...b }),
    events,
    clock,
    certificates,
    post,
    get: (path, by = {}) => send(by.method ?? 'GET', path, undefined, by),
    token: (person, fields = {}, by = {}) =>
      post(
        '/oauth2/token',
        {
          grant_type: 'client_credentials',
          client_id: person.client_id,
          client_secret: person.client_secret,
          ...fields,
        },
        { certificate: person.certificate, ...by },
      ),
    only(name) {
      const found = events.filter(({ event }) => event === name)
      events.length = 0
      if (found.length === 1 && found[0] !== undefined) return found[0]
      throw new Error(`${found.length} events ${name}: ${JSON.stringify(found)}`)
    },
    async close() {
      https.closeAllConnections()
      await new Promise((resolve) => https.close(resolve))
      await server.close()
    },
  }
}

/** The ways in which an app may mount the token endpoint; the whole of flow/ and attack/ holds for each. */
const mounts: Record<Mount, (app: Express, server: AuthorizationServer) => void> = {
  router: (app, server) => {
    app.use(server.router)
  },
  nested: (app, server) => {
    const outer = express.Router()
    outer.use(server.router)
    app.use('/', outer)
  },
  passport: (app, server) => {
    const passport = new Passport()
    passport.use(new MtlsSecretStrategy(server, { methods: 'enabled' }))
    app.post(
      '/oauth2/token',
      passport.authenticate('mtls-secret', { session: false, failWithError: true }),
      server.token,
    )
    app.use(server.router)
  },
}

function defaultMount(): Mount {
  const wish = process.env.MTLS_SECRET_MOUNT ?? 'router'
  if (wish in mounts) return wish as Mount
  throw new Error(`MTLS_SECRET_MOUNT must be one of ${Object.keys(mounts).join(', ')}`)
}

function bytesOf(form: Form): Buffer {
  if (Buffer.isBuffer(form)) return form
  return Buffer.from(typeof form === 'string' ? form : new URLSearchParams(form).toString())
}

/** One request on a connection of its own, and its whole answer. */
export function exchange(
  port: number,
  method: string,
  path: string,
  body: Buffer | undefined,
  { certificate, headers = {}, maxVersion, from, ca: authority = ca.certificatePem }: Caller = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = httpsRequest(
      {
        host: '127.0.0.1',
        servername: 'localhost',
        port,
        method,
        path,
        ca: authority,
        agent: false,
        headers: { ...(body && { 'content-length': body.length }), ...headers },
        ...certificate,
        ...(maxVersion && { maxVersion }),
        ...(from && { localAddress: from }),
      },
      (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk) => chunks.push(chunk))
        res.once('error', reject)
        res.once('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({
            status: res.statusCode ?? 0,
            headers: res.headers,
            text,
            json:
              text !== '' && /json/.test(res.headers['content-type'] ?? '')
                ? JSON.parse(text)
                : undefined,
          })
        })
      },
    )
    req.once('error', reject)
    req.end(body)
  })
}

/** The claims of a JWT, unverified. */
export function claimsOf(
  token: string,
): Record<string, unknown> & { cnf?: { 'x5t#S256': string } } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
