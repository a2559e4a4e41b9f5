import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTrust, type Trust } from '../../lib/certificate/trust'
import { listed } from '../support/listed'
import {
  initialToken,
  jwksOf,
  openRegistrationWorld,
  pathOf,
  register,
  send,
} from '../support/registration'
import { type Answer, openWorld, type World } from '../support/world'

/** security.md, G 63-66 and 71: what nobody may become by registering, and whose registration is whose. */
let world: World
beforeEach(async () => {
  world = await openRegistrationWorld()
})
afterEach(() => world.close())

function expectInvalid(answer: Answer, error = 'invalid_client_metadata'): void {
  expect(answer.status).toBe(400)
  // RFC 7591 section 3.2.2: the description is ASCII.
  expect(answer.json).toEqual({ error, error_description: expect.stringMatching(/^[\x20-\x7e]+$/) })
}

const clients = async () => (await world.server.clients.list()).length

describe('63: registration is off unless it is turned on', () => {
  beforeEach(async () => {
    await world.close()
    world = await openWorld({ a: { scope: 'client:register' } })
  })

  test.each(['GET', 'POST', 'PUT', 'DELETE', 'PATCH'])('%s finds nothing there', async (method) => {
    const token = await initialToken(world)
    for (const path of ['/oauth2/register', `/oauth2/register/${world.a.client_id}`]) {
      const answer = await send(world, method, path, { token, body: {} })
      expect(answer.status).toBe(404)
    }
  })
})

describe('63: only a bound token with the scope client:register may register', () => {
  test('none at all', async () => {
    const answer = await register(world, {}, { token: undefined })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="oauth2"')
  })

  test('one without the scope', async () => {
    const answer = await register(world, {}, { token: await initialToken(world, 'accounts:read') })
    expect(answer.status).toBe(403)
    expect(answer.json.error).toBe('insufficient_scope')
  })

  test('one without its certificate (DCRNoMTLS), or with another (DCRBadMTLS)', async () => {
    for (const certificate of [undefined, world.b.certificate, world.certificates.stranger]) {
      const answer = await register(world, {}, { certificate })
      expect(answer.status).toBe(401)
      expect(answer.json.error).toBe('invalid_token')
    }
  })

  test('one that is not bound to any', async () => {
    await world.close()
    world = await openRegistrationWorld(
      {},
      {
        a: {
          scope: 'client:register',
          token_endpoint_auth_method: 'client_secret_post',
          certificate: [],
        },
        event_listener: [
          {
            id: 'p',
            name: 'client_secret_post',
            type: 'client-auth',
            order: 90,
            enable: true,
            properties: {},
          },
        ],
      },
    )
    const unbound = await world.token(
      world.a,
      { scope: 'client:register' },
      { certificate: undefined },
    )
    const answer = await register(world, {}, { token: unbound.json.access_token })
    expect(answer.status).toBe(401)
  })

  test('one that was revoked, has ended, is a refresh token, an id, or nothing', async () => {
    const token = await initialToken(world)
    const { client_id, client_secret, certificate } = world.a
    await world.post('/oauth2/revoke', { client_id, client_secret, token }, { certificate })
    const ended = await initialToken(world)
    expect((await register(world, {}, { token })).status).toBe(401)
    world.clock.advance(3600)
    for (const dead of [ended, client_id, client_secret, 'x', 'a.b.c']) {
      expect((await register(world, {}, { token: dead })).status).toBe(401)
    }
  })

  test('one that is for another audience', async () => {
    await world.close()
    const resource = 'https://api.example'
    world = await openRegistrationWorld(
      {},
      { a: { scope: 'client:register', resources: [resource] } },
    )
    const other = await world.token(world.a, { scope: 'client:register', resource })
    expect((await register(world, {}, { token: other.json.access_token })).status).toBe(401)
    expect((await register(world)).status).toBe(201)
  })

  test('one of a client that was disabled', async () => {
    const token = await initialToken(world)
    await world.server.clients.disable(world.a.client_id)
    expect((await register(world, {}, { token })).status).toBe(401)
  })

  test('one that stands in the query or twice', async () => {
    const token = await initialToken(world)
    const path = `/oauth2/register?access_token=${token}`
    expect((await send(world, 'POST', path, { body: {} })).status).toBe(401)
    const headers = { authorization: [`Bearer ${token}`, `Bearer ${token}`] }
    expect((await send(world, 'POST', '/oauth2/register', { body: {}, headers })).status).toBe(400)
  })
})

describe('63: what can’t be chosen is refused, and nothing is registered', () => {
  test.each<[string, Record<string, unknown>]>([
    ['its client_id', { client_id: 'admin' }],
    ['its secret', { client_secret: 'secret' }],
    ['another’s registration token', { registration_access_token: 'x' }],
    ['the password grant', { grant_types: ['password'] }],
    ['the password grant among others', { grant_types: ['client_credentials', 'password'] }],
    ['a grant that is not there', { grant_types: ['urn:acme:x'] }],
    ['no grant', { grant_types: [] }],
    ['the right to register', { scope: 'client:register' }],
    ['that right among others', { scope: 'accounts:read client:register' }],
    ['the administrator’s scope', { scope: 'admin' }],
    ['a part of it', { scope: 'admin:users' }],
    ['to be a resource server', { resource_server: 'https://api.example' }],
    ['to go without certificate', { jwks: undefined, without_certificate: true }],
    ['to forget the certificate', { jwks: undefined }],
    ['a method that is off', { token_endpoint_auth_method: 'client_secret_basic' }],
    ['no method', { token_endpoint_auth_method: 'none' }],
    ['a method that there never was', { token_endpoint_auth_method: '__proto__' }],
    ['unbound tokens', { tls_client_certificate_bound_access_tokens: false }],
    ['the implicit flow', { response_types: ['token'] }],
    ['an unsigned id token', { id_token_signed_response_alg: 'none' }],
    ['a name under a CA, where no CA is known', { tls_client_auth_subject_dn: 'CN=x' }],
    ['what nobody knows', { favourite_colour: 'red' }],
    ['to be enabled', { disabled: false }],
    ['a name with a line break', { client_name: 'a\nb' }],
    ['a name that is no text', { client_name: { $ne: '' } }],
  ])('%s', async (_, fields) => {
    const before = await clients()
    expectInvalid(await register(world, fields))
    expect(await clients()).toBe(before)
  })
})

describe('63: nothing that is sent makes the server fetch a URL (CVE-2021-26715)', () => {
  test.each([
    'jwks_uri',
    'logo_uri',
    'sector_identifier_uri',
    'request_uris',
    'initiate_login_uri',
    'software_statement',
  ])('%s', async (field) => {
    const url = 'https://127.0.0.1:1/'
    expectInvalid(await register(world, { [field]: field.endsWith('s') ? [url] : url }))
  })
})

describe('64: a redirect URI is exact, and safe', () => {
  test.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'http://new.example/cb',
    'https://new.example/cb#x',
    'https://user:pass@new.example/cb',
    'https://*.new.example/cb',
    'https://new.example/*',
    'https://new.example/a/../b',
    'https://new.example/%2e%2e/b',
    'https://new.example/%0d%0aSet-Cookie:x',
    'https://new.example\\@evil.example/',
    'https://NEW.example/cb',
    'cb',
    '',
    ' https://new.example/cb',
  ])('%j', async (uri) => {
    expectInvalid(await register(world, { redirect_uris: [uri] }), 'invalid_redirect_uri')
  })

  test('the code grant without one', async () => {
    const fields = { grant_types: ['authorization_code'] }
    expectInvalid(await register(world, fields), 'invalid_redirect_uri')
  })
})

describe('65: a private key is refused, and neither kept nor told', () => {
  const { stranger } = { stranger: () => world.certificates.stranger }

  test.each<[string, () => Record<string, unknown>]>([
    ['as PEM', () => ({ jwks: undefined, certificate: stranger().key })],
    [
      'beside the certificate',
      () => ({ jwks: undefined, certificate: stranger().cert + stranger().key }),
    ],
    ['as a JWK', () => ({ jwks: { keys: [{ ...jwksOf(stranger()).keys[0], d: 'c2VjcmV0' }] } })],
    [
      'in x5c',
      () => ({ jwks: { keys: [{ ...jwksOf(stranger()).keys[0], x5c: [stranger().key] }] } }),
    ],
    ['a symmetric key', () => ({ jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } })],
  ])('%s', async (_, fields) => {
    world.events.length = 0
    const before = await clients()
    const answer = await register(world, fields())
    expectInvalid(answer)
    const told = JSON.stringify([answer, world.events])
    const [, line = ''] = stranger().key.split('\n')
    expect(told).not.toContain(line)
    expect(told).not.toContain('c2VjcmV0')
    expect(await clients()).toBe(before)
  })

  test('a certificate of another key than the one beside it is refused', async () => {
    const [key] = jwksOf(stranger()).keys
    const [other] = jwksOf(world.certificates.b).keys
    expectInvalid(await register(world, { jwks: { keys: [{ ...key, x5c: other?.x5c }] } }))
  })
})

describe('66: a registration is its own client’s', () => {
  test('A’s token at B’s URL is 401, and B stays as it was', async () => {
    const [one, two] = [
      await register(world, { client_name: 'one' }),
      await register(world, { client_name: 'two', jwks: jwksOf(world.certificates.b) }),
    ]
    const { stranger } = world.certificates
    const token = one.json.registration_access_token
    const body = { client_id: two.json.client_id, client_name: 'stolen' }
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const call = { token, certificate: stranger, ...(method === 'PUT' && { body }) }
      const answer = await send(world, method, pathOf(two), call)
      expect(answer.status).toBe(401)
      expect(answer.json.error).toBe('invalid_token')
    }
    const found = await world.server.clients.get(two.json.client_id)
    expect(found?.client_name).toBe('two')
  })

  test('the token alone is not enough: it goes with the registrar’s certificate, or the client’s own', async () => {
    const registered = await register(world)
    const token = registered.json.registration_access_token
    const ask = async (certificate: World['a']['certificate'] | undefined) =>
      (await send(world, 'GET', pathOf(registered), { token, certificate })).status
    expect(await ask(undefined)).toBe(401)
    expect(await ask(world.b.certificate)).toBe(401)
    expect(await ask(world.a.certificate)).toBe(200)
    expect(await ask(world.certificates.stranger)).toBe(200)
  })

  test('an access token, even with client:register, is no registration token', async () => {
    const registered = await register(world)
    const token = await initialToken(world)
    expect((await send(world, 'GET', pathOf(registered), { token })).status).toBe(401)
  })

  test('a client that was not registered so has no such URL, and an unknown one neither', async () => {
    const registered = await register(world)
    const token = registered.json.registration_access_token
    const answers = await Promise.all(
      [world.b.client_id, 'nobody', '..%2fx', '%00', `${registered.json.client_id}x`].map((id) =>
        send(world, 'GET', `/oauth2/register/${id}`, { token }),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect((await send(world, 'GET', '/oauth2/register/%zz', { token })).status).toBe(400)
  })

  test('a disabled client can’t enable itself', async () => {
    const registered = await register(world)
    const { client_id, registration_access_token: token } = registered.json
    await world.server.clients.disable(client_id)
    const call = { token, certificate: world.certificates.stranger }
    expect((await send(world, 'GET', pathOf(registered), call)).status).toBe(401)
    const body = { client_id, disabled: false }
    expect((await send(world, 'PUT', pathOf(registered), { ...call, body })).status).toBe(401)
  })

  test.each<[string, Record<string, unknown>]>([
    ['without its id', { client_id: undefined }],
    ['with another’s id', { client_id: 'other' }],
    ['with a secret that is not its own', { client_secret: 'x' }],
    ['with the password grant', { grant_types: ['password'] }],
    ['with the right to register', { scope: 'client:register' }],
    ['with a private key', { certificate: '-----BEGIN PRIVATE KEY-----' }],
    ['as a resource server', { resource_server: 'https://api.example' }],
    ['with another registration token', { registration_access_token: 'x' }],
    ['of a method that is off', { token_endpoint_auth_method: 'client_secret_post' }],
  ])('it can’t become more than it could be registered as: %s', async (_, fields) => {
    const registered = await register(world, { client_name: 'before' })
    const { client_id, registration_access_token: token } = registered.json
    const body = { client_id, client_name: 'after', ...fields }
    expectInvalid(await send(world, 'PUT', pathOf(registered), { token, body }))
    expect((await world.server.clients.get(client_id))?.client_name).toBe('before')
  })

  test('its own secret may stand in what it sends', async () => {
    const registered = await register(world)
    const { client_id, client_secret, registration_access_token: token } = registered.json
    const body = { client_id, client_secret }
    expect((await send(world, 'PUT', pathOf(registered), { token, body })).status).toBe(200)
  })
})

describe('63: a method that asks for a secret alone is no way to go without certificate', () => {
  beforeEach(async () => {
    await world.close()
    world = await openRegistrationWorld(
      {},
      { event_listener: [listed('client_secret_post', 95), listed('client_secret_basic', 96)] },
    )
  })

  test.each(['client_secret_post', 'client_secret_basic'])('%s', async (method) => {
    const token_endpoint_auth_method = method
    expectInvalid(await register(world, { token_endpoint_auth_method }))
    const registered = await register(world)
    const { client_id, registration_access_token: token } = registered.json
    const body = { client_id, token_endpoint_auth_method }
    expectInvalid(await send(world, 'PUT', pathOf(registered), { token, body }))
  })
})

describe('a CA of the truststore is no client’s certificate', () => {
  let directory: string
  let trust: Trust
  beforeEach(async () => {
    await world.close()
    directory = await mkdtemp(join(tmpdir(), 'dcr-ca-'))
    const file_name = join(directory, 'trust.pem')
    await writeFile(file_name, world.certificates.ca.certificatePem)
    trust = await openTrust({ file_name })
    world = await openRegistrationWorld({}, { trust })
  })
  afterEach(() => rm(directory, { recursive: true }))

  const ca = () => ({
    cert: world.certificates.ca.certificatePem,
    key: world.certificates.ca.keyPem,
  })

  test.each<[string, () => Record<string, unknown>]>([
    ['as PEM', () => ({ jwks: undefined, certificate: ca().cert })],
    ['beside another', () => ({ certificate: [world.certificates.b.cert, ca().cert] })],
    ['as x5c', () => ({ jwks: jwksOf(ca()) })],
  ])('nobody can take an anchor away by registering it: %s', async (_, fields) => {
    expectInvalid(await register(world, fields()))
    const registered = await register(world)
    const { client_id, registration_access_token: token } = registered.json
    const body = { client_id, ...fields() }
    expectInvalid(await send(world, 'PUT', pathOf(registered), { token, body }))
    await trust.reload()
    expect(trust.anchors).toHaveLength(1)
  })

  test('a name stays under the CA that it was registered under', async () => {
    const body = { jwks: undefined, tls_client_auth_subject_dn: 'CN=x' }
    const { thumbprint } = trust.anchors[0] ?? {}
    expect((await register(world, body)).json.tls_client_auth_issuer).toBe(thumbprint)
  })
})

describe('the body is one JSON object, read strictly', () => {
  const raw = async (text: string | Buffer, headers: Record<string, string> = {}) =>
    send(world, 'POST', '/oauth2/register', {
      token: await initialToken(world),
      raw: text,
      headers,
    })

  test.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['half an object', '{"client_name":'],
    ['a list', '[]'],
    ['null', 'null'],
    ['text', '"x"'],
    ['a comment', '{/**/}'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['bytes that are no UTF-8 in a text', Buffer.from('{"client_name":"\xff"}', 'latin1')],
    ['a parent of every object (CVE-2019-10744)', '{"__proto__":{"scope":"admin"}}'],
    ['one deep inside', '{"jwks":{"keys":[{"__proto__":{"d":"x"}}]}}'],
    ['5,000 lists in each other', `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
  ])('%s', async (_, text) => {
    expectInvalid(await raw(text), 'invalid_request')
    expect(({} as { scope?: string }).scope).toBeUndefined()
  })

  test('constructor and toString are fields like any other', async () => {
    expectInvalid(await raw('{"constructor":{"prototype":{"scope":"admin"}},"toString":1}'))
  })

  test('what was sent is not repeated', async () => {
    const answer = await raw('{"<script>alert(1)</script>":"<b>x</b>"}')
    expectInvalid(answer)
    expect(answer.text).not.toContain('<')
  })

  test('another type, charset, encoding or size', async () => {
    const form = await raw('client_name=x', { 'content-type': 'application/x-www-form-urlencoded' })
    expect(form.status).toBe(400)
    const latin = await raw('{}', { 'content-type': 'application/json; charset=latin1' })
    expect(latin.status).toBe(415)
    expect((await raw('{}', { 'content-encoding': 'gzip' })).status).toBe(415)
    expect((await raw(`{"client_name":"${'x'.repeat(17_000)}"}`)).status).toBe(413)
    const utf8 = await raw('{}', { 'content-type': 'application/json; charset="UTF-8"' })
    expectInvalid(utf8)
  })
})

describe('71: a burst of registrations ends at the limits', () => {
  test('of an hour: 429 with Retry-After, and the next hour they go on', async () => {
    await world.close()
    world = await openRegistrationWorld({ per_hour: 5 })
    const token = await initialToken(world)
    const before = await clients()
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => register(world, {}, { token })),
    )
    const count = (status: number) => answers.filter((answer) => answer.status === status).length
    expect([count(201), count(429)]).toEqual([5, 35])
    expect(await clients()).toBe(before + 5)
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.json.error).toBe('temporarily_unavailable')
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0)
    world.clock.advance(3601)
    expect((await register(world)).status).toBe(201)
  })

  test('of all: refused, until one is removed', async () => {
    await world.close()
    world = await openRegistrationWorld({ clients: 2 })
    const [first] = [await register(world), await register(world)]
    world.clock.advance(7200)
    const refused = await register(world)
    expect(refused.status).toBe(403)
    expect(refused.json.error).toBe('access_denied')
    const token = first.json.registration_access_token
    expect((await send(world, 'DELETE', pathOf(first), { token })).status).toBe(204)
    expect((await register(world)).status).toBe(201)
  })
})
