import { type JwtPayload, sign } from 'jsonwebtoken'
import { asserted, assertionOf, newSigner, type Signer } from '../support/assertion'
import { listed } from '../support/listed'
import { type Answer, claimsOf, openWorld, type World, type WorldOptions } from '../support/world'

/** RFC 7523: an assertion lets in whoever signed it, here, now and once; nothing else. */
let world: World
afterEach(() => world.close())

const a = newSigner('ES256', { kid: 'a' })
const b = newSigner('ES256', { kid: 'b' })

async function open(properties = {}, more: WorldOptions = {}): Promise<void> {
  const method = { token_endpoint_auth_method: 'private_key_jwt' }
  world = await openWorld({
    event_listener: [listed('private_key_jwt', 250, properties)],
    a: { ...method, jwks: a.jwks },
    b: { ...method, jwks: b.jwks },
    ...more,
  })
}

const seconds = () => Math.floor(world.clock.now() / 1000)

const assertion = (
  claims: JwtPayload = {},
  { by = a, header = {} }: { by?: Signer; header?: object } = {},
): string => assertionOf(world, world.a, by, claims, header)

const send = (client_assertion: string, fields: Record<string, string> = {}, by = {}) =>
  world.post(
    '/oauth2/token',
    { grant_type: 'client_credentials', ...asserted(client_assertion), ...fields },
    by,
  )

function expectRefused(answer: Answer, reason: string): void {
  expect(answer.status).toBe(401)
  expect(answer.json).toEqual({
    error: 'invalid_client',
    error_description: 'Client authentication failed.',
  })
  expect(world.only('client.rejected').reason).toBe(reason)
}

test.each(['ES256', 'ES384', 'RS256', 'PS256'] as const)(
  'lets in whoever signed with the registered %s key, and binds the token to the certificate shown',
  async (alg) => {
    const by = newSigner(alg)
    await open({}, { a: { token_endpoint_auth_method: 'private_key_jwt', jwks: by.jwks } })
    const plain = await send(assertion({}, { by }))
    expect(plain.status).toBe(200)
    expect(claimsOf(plain.json.access_token)).not.toHaveProperty('cnf')
    const bound = await send(assertion({}, { by }), {}, { certificate: world.a.certificate })
    expect(claimsOf(bound.json.access_token)).toMatchObject({
      client_id: world.a.client_id,
      cnf: { 'x5t#S256': world.a.thumbprint },
    })
  },
)

test('may be meant for the issuer, the token endpoint, or its alias where certificates are required', async () => {
  await open()
  world.server.listensAt(world.url, 'https://localhost:1')
  for (const aud of [
    world.url,
    `${world.url}/oauth2/token`,
    'https://localhost:1/oauth2/token',
    [world.url],
  ]) {
    expect((await send(assertion({ aud }))).status).toBe(200)
  }
})

test('names the client beside it or not, and the audit line names it either way', async () => {
  await open()
  await send(assertion(), { client_id: world.a.client_id })
  expect(world.only('token.issued').client_id).toBe(world.a.client_id)
  await send(assertion())
  expect(world.only('token.issued').client_id).toBe(world.a.client_id)
  await send(assertion({ exp: seconds() - 1 }))
  expect(world.only('client.rejected').client_id).toBe(world.a.client_id)
})

describe('an assertion is used once', () => {
  test('however soon it comes again', async () => {
    await open()
    const once = assertion()
    expect((await send(once)).status).toBe(200)
    world.events.length = 0
    expectRefused(await send(once), 'private_key_jwt:assertion_replayed')
  })

  test('of eight at once one gets in', async () => {
    await open()
    const once = assertion()
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(once)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(401)])
  })

  test('and two clients may choose the same jti', async () => {
    await open()
    const jti = 'the-same'
    expect((await send(assertion({ jti }))).status).toBe(200)
    const { client_id } = world.b
    const other = assertion({ jti, iss: client_id, sub: client_id }, { by: b })
    expect((await send(other)).status).toBe(200)
  })

  test('and one that was refused is not used up', async () => {
    await open({ MandateMutualSSL: true })
    const once = assertion()
    expectRefused(await send(once), 'no_certificate_presented')
    const own = { certificate: world.a.certificate }
    expect((await send(once, {}, own)).status).toBe(200)
  })
})

describe('refuses', () => {
  beforeEach(() => open())

  test.each<[string, () => string, string]>([
    ['another client’s key', () => assertion({}, { by: b }), 'assertion_signature'],
    ['an unknown kid', () => assertion({}, { header: { kid: '../a' } }), 'assertion_key'],
    [
      'an algorithm that the key is not for',
      () => assertion({}, { by: newSigner('ES384') }),
      'assertion_key',
    ],
    [
      'HS256 keyed with the public key',
      () => {
        const [jwk] = a.jwks.keys
        const text = JSON.stringify(jwk)
        return sign({ sub: world.a.client_id }, text, { algorithm: 'HS256' })
      },
      'assertion_algorithm',
    ],
    ['alg none', () => unsigned({ alg: 'none' }), 'assertion_algorithm'],
    [
      'an unknown crit',
      () => assertion({}, { header: { crit: ['x'], x: 1 } }),
      'assertion_malformed',
    ],
    ['an access token’s typ', () => assertion({}, { header: { typ: 'at+jwt' } }), 'assertion_type'],
    ['another issuer', () => assertion({ iss: 'https://elsewhere.example' }), 'assertion_subject'],
    ['no issuer', () => assertion({ iss: undefined }), 'assertion_subject'],
    [
      'another audience',
      () => assertion({ aud: 'https://elsewhere.example' }),
      'assertion_audience',
    ],
    [
      'an audience beside ours, who could replay it',
      () => assertion({ aud: [world.url, 'https://elsewhere.example'] }),
      'assertion_audience',
    ],
    [
      'a longer name that begins like ours',
      () => assertion({ aud: `${world.url}x` }),
      'assertion_audience',
    ],
    ['no audience', () => assertion({ aud: undefined }), 'assertion_audience'],
    ['one that has ended', () => assertion({ exp: seconds() }), 'assertion_expired'],
    ['one without end', () => assertion({ exp: undefined }), 'assertion_malformed'],
    ['one that lives too long', () => assertion({ exp: seconds() + 331 }), 'assertion_lifetime'],
    ['one for later', () => assertion({ nbf: seconds() + 31 }), 'assertion_not_yet_valid'],
    ['one from the future', () => assertion({ iat: seconds() + 31 }), 'assertion_not_yet_valid'],
    ['one without jti', () => assertion({ jti: undefined }), 'assertion_without_jti'],
    ['a jti without end', () => assertion({ jti: 'x'.repeat(513) }), 'assertion_without_jti'],
  ])('%s', async (_, make, reason) => {
    expectRefused(await send(make()), `private_key_jwt:${reason}`)
  })

  test.each<[string, () => string, Record<string, string>, number, string]>([
    ['another client_id beside it', assertion, { client_id: 'other' }, 400, 'two_client_ids'],
    [
      'a secret beside it',
      assertion,
      { client_secret: 'x' },
      401,
      'private_key_jwt:secret_beside_assertion',
    ],
    ['another assertion type', assertion, { client_assertion_type: 'x' }, 401, 'no_client_id'],
    ['what is no JWT', () => 'x', {}, 401, 'no_client_id'],
    ['nothing', () => '', {}, 401, 'no_client_id'],
    ['five segments', () => `${assertion()}.x.y`, {}, 401, 'no_client_id'],
    ['a client that is not there', () => assertion({ sub: 'nobody' }), {}, 401, 'unknown_client'],
    ['a subject that is no text', () => assertion({ sub: 7 as never }), {}, 401, 'no_client_id'],
  ])('%s', async (_, make, fields, status, reason) => {
    const answer = await send(make(), fields)
    expect(answer.status).toBe(status)
    const [event] = world.events.filter(({ event }) => /rejected|refused/.test(event))
    expect(event?.reason).toBe(reason)
  })

  test('a key that is registered for another algorithm, or for another use', async () => {
    const weak = newSigner('RS256', { alg: 'PS256' })
    const closed = newSigner('ES256', { use: 'enc' })
    for (const by of [weak, closed]) {
      await world.close()
      await open({}, { a: { token_endpoint_auth_method: 'private_key_jwt', jwks: by.jwks } })
      expectRefused(await send(assertion({}, { by })), 'private_key_jwt:assertion_key')
    }
  })

  test('the client’s id without an assertion', async () => {
    const { client_id } = world.a
    const answer = await world.post('/oauth2/token', {
      grant_type: 'client_credentials',
      client_id,
    })
    expectRefused(answer, 'method_not_allowed')
  })

  test('a disabled client', async () => {
    await world.server.clients.disable(world.a.client_id)
    expectRefused(await send(assertion()), 'client_disabled')
  })
})

function unsigned(header: object): string {
  const claims = { sub: world.a.client_id }
  return `${[header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.AA`
}

test('is off until it is listed', async () => {
  await open({}, { event_listener: [] })
  const answer = await send(assertion())
  expect(answer.status).toBe(401)
})

describe('MandateMutualSSL', () => {
  test('true asks for the client’s certificate as well', async () => {
    await open({ MandateMutualSSL: true })
    const own = { certificate: world.a.certificate }
    expect((await send(assertion(), {}, own)).status).toBe(200)
    expectRefused(await send(assertion()), 'no_certificate_presented')
    const other = { certificate: world.b.certificate }
    expectRefused(await send(assertion(), {}, other), 'certificate_untrusted')
  })

  test('"observe" lets in and tells whom true would refuse', async () => {
    await open({ MandateMutualSSL: 'observe' })
    expect((await send(assertion())).status).toBe(200)
    expect(world.only('token.issued').would_be_refused).toBe(true)
    await send(assertion(), {}, { certificate: world.a.certificate })
    expect(world.only('token.issued').would_be_refused).toBeUndefined()
  })

  test('anything else stops the start', async () => {
    await expect(open({ MandateMutualSSL: 'maybe' })).rejects.toThrow(/true, false or "observe"/)
    await open()
  })
})

test('serves introspection and revocation alike', async () => {
  await open()
  const { access_token } = (await send(assertion())).json
  const ask = (path: string) => world.post(path, { ...asserted(assertion()), token: access_token })
  expect((await ask('/oauth2/introspect')).json.active).toBe(true)
  expect((await ask('/oauth2/revoke')).status).toBe(200)
  expect((await ask('/oauth2/introspect')).json).toEqual({ active: false })
})
