import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { remoteKeys, requireToken } from '../../lib'
import { publicJwk } from '../../lib/token/keys'
import { type Answer, openWorld, type World } from '../support/world'

/** A resource server that is another program than the authorization server: by keys, or by asking. */
const api = 'https://api.example'
let world: World
const servers: Server[] = []
beforeEach(async () => {
  world = await openWorld({ a: { resources: [api] }, b: { resource_server: api } })
})
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  await world.close()
})

/** Another authorization server, which answers whatever it likes. */
async function openOther(listener: RequestListener): Promise<string> {
  const { key, cert } = world.certificates.server
  const server = createServer({ key, cert }, listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `https://localhost:${(server.address() as AddressInfo).port}/`
}

const tls = () => ({ ca: world.certificates.ca.certificatePem })
const asking = (endpoint = `${world.url}/oauth2/introspect`, more: object = {}) => ({
  endpoint,
  client_id: world.b.client_id,
  client_secret: world.b.client_secret,
  ...world.b.certificate,
  ...tls(),
  ...more,
})

let routes = 0
/** A route of the resource server, asked by client A with its certificate unless told otherwise. */
function route(options: Partial<Parameters<typeof requireToken>[0]>) {
  const path = `/route-${routes++}`
  const check = requireToken({
    issuer: () => world.url,
    audience: api,
    clock: world.clock,
    ...options,
  })
  world.app.get(path, check, (req, res) => void res.json(req.token))
  return (token: string, certificate = world.a.certificate): Promise<Answer> =>
    world.get(path, { certificate, headers: { authorization: `Bearer ${token}` } })
}

const tokenOfA = async (): Promise<string> =>
  (await world.token(world.a, { resource: api })).json.access_token

describe('by introspection', () => {
  test('lets in by a token that lives, bound to the certificate shown', async () => {
    const ask = route({ introspect: asking(), scope: 'accounts:read' })
    const token = await tokenOfA()
    const answer = await ask(token)
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ aud: api, client_id: world.a.client_id })
    expect((await ask(token, world.b.certificate)).status).toBe(401)
  })

  test('a revoked token ends at once, and so does a disabled client’s', async () => {
    const ask = route({ introspect: asking() })
    const [revoked, disabled] = [await tokenOfA(), await tokenOfA()]
    const { client_id, client_secret, certificate } = world.a
    await world.post(
      '/oauth2/revoke',
      { client_id, client_secret, token: revoked },
      { certificate },
    )
    expect((await ask(revoked)).status).toBe(401)
    expect((await ask(disabled)).status).toBe(200)
    await world.server.clients.disable(client_id)
    const answer = await ask(disabled)
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"')
  })

  test('a token for another audience is none here', async () => {
    const ask = route({ introspect: asking() })
    expect((await ask((await world.token(world.a)).json.access_token)).status).toBe(401)
  })

  test('a scope that is missing is insufficient_scope', async () => {
    const ask = route({ introspect: asking(), scope: 'root' })
    expect((await ask(await tokenOfA())).status).toBe(403)
  })

  test('what is no token is refused without asking', async () => {
    let asked = 0
    const endpoint = await openOther((_req, res) => {
      asked++
      res.end('{}')
    })
    const ask = route({ introspect: asking(endpoint) })
    for (const token of ['a b', '{}', 'x'.repeat(9_000)]) {
      expect((await ask(token)).status).toBe(401)
    }
    expect(asked).toBe(0)
  })

  test.each<[string, object | string]>([
    ['active as text', { active: 'true' }],
    ['active as 1', { active: 1 }],
    ['no word on it', {}],
    ['no audience', { aud: undefined }],
    ['another audience', { aud: 'https://other.example' }],
    ['no issuer', { iss: undefined }],
    ['another issuer', { iss: 'https://other.example' }],
    ['no end', { exp: undefined }],
    ['an end in the past', { exp: 1 }],
    ['no subject', { sub: undefined }],
    ['no binding', { cnf: undefined }],
  ])('an answer with %s lets nobody in', async (_, changed) => {
    const right = {
      active: true,
      iss: world.url,
      aud: api,
      sub: 'a',
      exp: 9_999_999_999,
      cnf: { 'x5t#S256': world.a.thumbprint },
    }
    let body: object = right
    const endpoint = await openOther((_req, res) => void res.end(JSON.stringify(body)))
    const ask = route({ introspect: asking(endpoint) })
    expect((await ask('x')).status).toBe(200)
    body = Object.keys(changed).length === 0 ? {} : { ...right, ...(changed as object) }
    expect((await ask('x')).status).toBe(401)
  })

  test.each<[string, RequestListener]>([
    ['an error', (_req, res) => void res.writeHead(500).end()],
    [
      'a redirect',
      (_req, res) => void res.writeHead(302, { location: 'https://localhost/' }).end(),
    ],
    ['no JSON', (_req, res) => void res.end('active')],
    ['null', (_req, res) => void res.end('null')],
    ['too much', (_req, res) => void res.end(JSON.stringify('x'.repeat(300_000)))],
    ['half an answer', (req, res) => res.write('{"active":', () => req.socket.destroy())],
  ])('%s is nobody’s fault but the server’s: 503', async (_, listener) => {
    const ask = route({ introspect: asking(await openOther(listener)) })
    const answer = await ask('x')
    expect(answer.status).toBe(503)
    expect(answer.json.error).toBe('temporarily_unavailable')
    expect(answer.headers['retry-after']).toBeTruthy()
  })

  test('silence is 503 within seconds', async () => {
    const ask = route({ introspect: asking(await openOther(() => undefined)) })
    const started = performance.now()
    expect((await ask('x')).status).toBe(503)
    expect(performance.now() - started).toBeLessThan(4_000)
  })

  test('nobody there, and a resource server that is not believed itself, are 503', async () => {
    const token = await tokenOfA()
    const nobody = route({ introspect: asking('https://localhost:1/') })
    expect((await nobody(token)).status).toBe(503)
    const unknown = route({ introspect: asking(undefined, { client_secret: 'wrong' }) })
    expect((await unknown(token)).status).toBe(503)
    const strange = route({ introspect: asking(undefined, { ca: world.certificates.a.cert }) })
    expect((await strange(token)).status).toBe(503)
  })
})

describe('by remoteKeys', () => {
  test('lets in by the keys of jwks_uri', async () => {
    const ask = route({ keys: remoteKeys(`${world.url}/oauth2/jwks`, tls()) })
    expect((await ask(await tokenOfA())).status).toBe(200)
  })

  test('asks once for many tokens, and again for an unknown kid, but not each time', async () => {
    let asked = 0
    const signing = world.server.keys.signing()
    if (signing === undefined) throw new Error('no key')
    const url = await openOther((_req, res) => {
      asked++
      res.end(JSON.stringify({ keys: [publicJwk(signing)] }))
    })
    const keys = remoteKeys(url, { ...tls(), cooldown: 60 })
    await Promise.all(Array.from({ length: 8 }, () => keys.find(signing.kid)))
    expect(asked).toBe(1)
    for (const kid of ['a', 'b', 'c']) expect(await keys.find(kid)).toBeUndefined()
    expect(asked).toBe(1)
    const impatient = remoteKeys(url, { ...tls(), cooldown: 0 })
    await impatient.find('a')
    await impatient.find('a')
    expect(asked).toBe(3)
  })

  test('passes over keys that it can’t use', async () => {
    const signing = world.server.keys.signing()
    if (signing === undefined) throw new Error('no key')
    const jwk = publicJwk(signing)
    const { alg: _, ...withoutAlg } = jwk
    const list = [
      null,
      7,
      {},
      { ...jwk, kid: 'other-alg', alg: 'RS256' },
      { ...jwk, kid: 'none', alg: 'none' },
      { ...jwk, kid: 'encrypts', use: 'enc' },
      { kty: 'oct', k: 'AAAA', kid: 'secret', alg: 'HS256' },
      { ...jwk, kid: undefined },
      { ...withoutAlg, kid: 'told-by-its-curve' },
      jwk,
    ]
    const url = await openOther((_req, res) => void res.end(JSON.stringify({ keys: list })))
    const keys = remoteKeys(url, tls())
    expect((await keys.find(signing.kid))?.alg).toBe('ES256')
    expect((await keys.find('told-by-its-curve'))?.alg).toBe('ES256')
    for (const kid of ['other-alg', 'none', 'encrypts', 'secret', 'undefined']) {
      expect(await keys.find(kid)).toBeUndefined()
    }
  })

  test('a set that can’t be had is 503, also for the next one; then known keys go on', async () => {
    let broken = true
    const signing = world.server.keys.signing()
    if (signing === undefined) throw new Error('no key')
    const url = await openOther((_req, res) => {
      if (broken) res.writeHead(500).end()
      else res.end(JSON.stringify({ keys: [publicJwk(signing)] }))
    })
    const keys = remoteKeys(url, { ...tls(), cooldown: 0, maxAge: 0 })
    const token = await tokenOfA()
    const ask = route({ keys })
    expect((await ask(token)).status).toBe(503)
    expect((await ask(token)).status).toBe(503)
    broken = false
    expect((await ask(token)).status).toBe(200)
    broken = true
    expect((await ask(token)).status).toBe(200)
  })

  test('plain http is refused', () => {
    expect(() => remoteKeys('http://localhost/')).toThrow(/https/)
  })
})

describe('a refusal, answered by the server’s own error handler', () => {
  const refused = () => world.only('request.refused')

  test('is one event that tells whose token, from where and why', async () => {
    const { errorHandler: refuse, keys } = world.server
    const ask = route({ keys, refuse, scope: 'accounts:read' })
    const [token, bare] = [
      await tokenOfA(),
      await world.token(world.a, { resource: api, scope: 'accounts:write' }),
    ]
    world.events.length = 0
    const who = { ip: '127.0.0.1', request_id: expect.any(String) }
    const { client_id } = world.a

    expect((await ask(token, world.b.certificate)).status).toBe(401)
    expect(refused()).toMatchObject({
      ...who,
      client_id,
      thumbprint: world.b.thumbprint.slice(0, 16),
      error: 'invalid_token',
      reason: 'token_bound_to_another_certificate',
    })
    expect((await ask(bare.json.access_token)).status).toBe(403)
    expect(refused()).toMatchObject({ ...who, client_id, reason: 'token_scope' })
    const answer = await ask('x')
    expect(answer.json.error).toBe('invalid_token')
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer /)
    expect(refused()).toMatchObject({ ...who, client_id: undefined, reason: 'token_malformed' })
  })
})
