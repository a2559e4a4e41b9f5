import { signIdToken } from '../../lib/token/id-token'
import { family, familyWorld } from '../support/family-grant'
import { type Answer, type Caller, openWorld, type Person, type World } from '../support/world'

/** security.md, F: what introspection and revocation must tell nobody, and do for nobody. */
let world: World
beforeEach(async () => {
  world = await openWorld(familyWorld())
})
afterEach(() => world.close())

const endpoints = ['/oauth2/introspect', '/oauth2/revoke'] as const
const send = (
  endpoint: (typeof endpoints)[number],
  person: Person,
  token: string,
  more: Record<string, string> = {},
  by: Caller = {},
): Promise<Answer> =>
  world.post(
    endpoint,
    { client_id: person.client_id, client_secret: person.client_secret, token, ...more },
    { certificate: person.certificate, ...by },
  )

describe.each(endpoints)('%s', (endpoint) => {
  test('59: without the certificate nobody is authenticated', async () => {
    const { access_token } = (await world.token(world.a)).json
    const answer = await send(endpoint, world.a, access_token, {}, { certificate: undefined })
    expect(answer.status).toBe(401)
    expect(answer.json.error).toBe('invalid_client')
    expect(world.only('client.rejected').reason).toBe('no_certificate_presented')
    expect((await send('/oauth2/introspect', world.a, access_token)).json.active).toBe(true)
  })

  test('59: nor with another client’s certificate, nor with a wrong secret', async () => {
    const { access_token } = (await world.token(world.a)).json
    const stolen = { certificate: world.b.certificate }
    expect((await send(endpoint, world.a, access_token, {}, stolen)).status).toBe(401)
    const wrong = { client_secret: 'wrong' }
    expect((await send(endpoint, world.a, access_token, wrong)).status).toBe(401)
  })

  test('without a token the request is malformed', async () => {
    const answer = await send(endpoint, world.a, '')
    expect(answer.status).toBe(400)
    expect(answer.json.error).toBe('invalid_request')
  })

  test('with the token twice the request is malformed', async () => {
    const { client_id, client_secret, certificate } = world.a
    const fields: [string, string][] = [
      ['client_id', client_id],
      ['client_secret', client_secret],
      ['token', 'a'],
      ['token', 'b'],
    ]
    const answer = await world.post(endpoint, fields, { certificate })
    expect(answer.status).toBe(400)
    expect(answer.json.error).toBe('invalid_request')
  })

  test('GET is not a method of it: no token gets into a URL', async () => {
    const answer = await world.get(`${endpoint}?token=x`, { certificate: world.a.certificate })
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('POST')
  })
})

test('59: another client learns nothing of a token that lives (CVE-2026-37979)', async () => {
  const { access_token, refresh_token } = (await world.token(world.a, family)).json
  for (const token of [access_token, refresh_token]) {
    const answer = await send('/oauth2/introspect', world.b, token)
    expect(answer.status).toBe(200)
    expect(answer.text).toBe('{"active":false}')
  }
})

const jwt = (header: object, claims: object, signature = 'AAAA') =>
  [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat(signature)
    .join('.')

test.each([
  ['a blank', ' '],
  ['a letter', 'x'],
  ['dots', '...'],
  ['two segments', 'eyJ.eyJ'],
  ['five segments', 'a.b.c.d.e'],
  ['a JWT without signature', jwt({ alg: 'none', typ: 'at+jwt' }, { sub: 'x' }, '')],
  ['a JWT of a made-up key', jwt({ alg: 'ES256', typ: 'at+jwt', kid: '../x' }, { sub: 'x' })],
  ['SQL', "' OR 1=1--"],
  ['no ASCII', '\u{1f511}'],
  ['a long one', 'x'.repeat(9_000)],
  ['a long one with dots', `${'x'.repeat(9_000)}.y.z`],
])(
  '60: what is no token is inactive and nothing else, and can be revoked: %s',
  async (_, token) => {
    const answer = await send('/oauth2/introspect', world.a, token)
    expect(answer.status).toBe(200)
    expect(answer.text).toBe('{"active":false}')
    world.events.length = 0
    expect((await send('/oauth2/revoke', world.a, token)).status).toBe(200)
    expect(world.events).toEqual([])
  },
)

test('60: an id token, though we signed it, is no access token', async () => {
  const { keys } = world.server
  const key = keys.signing()
  if (key === undefined) throw new Error('no key')
  const iat = Math.floor(Date.now() / 1000)
  const { client_id } = world.a
  const token = signIdToken(key, {
    iss: world.url,
    sub: client_id,
    aud: client_id,
    iat,
    exp: iat + 60,
    auth_time: iat,
  })
  expect((await send('/oauth2/introspect', world.a, token)).text).toBe('{"active":false}')
})

test('61: another client’s token is answered like an unknown one, and stays active', async () => {
  const { access_token, refresh_token } = (await world.token(world.a, family)).json
  const unknown = await send('/oauth2/revoke', world.b, 'x')
  world.events.length = 0
  for (const token of [access_token, refresh_token]) {
    const answer = await send('/oauth2/revoke', world.b, token)
    expect(answer.status).toBe(200)
    expect(answer.text).toBe(unknown.text)
    expect((await send('/oauth2/introspect', world.a, token)).json.active).toBe(true)
  }
  expect(world.events).toEqual([])
})

test('62: an access token that was issued before its family was revoked is inactive after', async () => {
  const { access_token, refresh_token } = (await world.token(world.a, family)).json
  await send('/oauth2/revoke', world.a, refresh_token)
  expect((await send('/oauth2/introspect', world.a, access_token)).text).toBe('{"active":false}')
})
