import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { verify } from 'jsonwebtoken'
import { family, familyWorld } from '../support/family-grant'
import { type Caller, openWorld, type Person, type World } from '../support/world'

/** Introspection and revocation of one client's tokens, by itself, by a resource server, by a stranger. */
const api = 'https://api.example'
let world: World
let resourceServer: Person
beforeEach(async () => {
  world = await openWorld(familyWorld({ a: { resources: [api] }, b: { resource_server: api } }))
  resourceServer = world.b
})
afterEach(() => world.close())

const ask = (person: Person, token: string, more: Record<string, string> = {}, by: Caller = {}) =>
  world.post(
    '/oauth2/introspect',
    { client_id: person.client_id, client_secret: person.client_secret, token, ...more },
    { certificate: person.certificate, ...by },
  )
const revoke = (person: Person, token: string, more: Record<string, string> = {}) =>
  world.post(
    '/oauth2/revoke',
    { client_id: person.client_id, client_secret: person.client_secret, token, ...more },
    { certificate: person.certificate },
  )
const inactive = { active: false }

describe('introspection', () => {
  test('tells the client itself what its access token is, its binding included', async () => {
    const { access_token } = (await world.token(world.a)).json
    const { status, json, headers } = await ask(world.a, access_token)
    expect(status).toBe(200)
    expect(headers['cache-control']).toBe('no-store')
    expect(json).toEqual({
      active: true,
      token_type: 'Bearer',
      iss: world.url,
      aud: world.url,
      sub: world.a.client_id,
      client_id: world.a.client_id,
      scope: 'accounts:read accounts:write',
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: json.iat + 3600,
      cnf: { 'x5t#S256': world.a.thumbprint },
    })
  })

  test('tells a refresh token’s whole scope to its client, and to nobody else', async () => {
    const { refresh_token } = (await world.token(world.a, { ...family, scope: 'accounts:read' }))
      .json
    const { json } = await ask(world.a, refresh_token)
    expect(json).toMatchObject({ active: true, sub: 'somebody', scope: 'accounts:read' })
    expect(json.exp - json.iat).toBe(2_592_000)
    expect((await ask(resourceServer, refresh_token)).json).toEqual(inactive)
  })

  test('tells the resource server what is for it, and nothing of what is not', async () => {
    const forIt = (await world.token(world.a, { resource: api })).json.access_token
    const other = (await world.token(world.a)).json.access_token
    expect((await ask(resourceServer, forIt)).json).toMatchObject({ active: true, aud: api })
    expect((await ask(resourceServer, other)).json).toEqual(inactive)
  })

  test('answers with a signed JWT for the caller alone where that is asked for (RFC 9701)', async () => {
    const { access_token } = (await world.token(world.a, { resource: api })).json
    const headers = { accept: 'application/token-introspection+jwt' }
    const answer = await ask(resourceServer, access_token, {}, { headers })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/token-introspection+jwt')
    const [key] = (await world.get('/oauth2/jwks')).json.keys
    const publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' })
    const { header, payload } = verify(answer.text, publicKey, {
      algorithms: ['ES256'],
      complete: true,
    })
    expect(header.typ).toBe('token-introspection+jwt')
    expect(payload).toEqual({
      iss: world.url,
      aud: resourceServer.client_id,
      iat: expect.any(Number),
      token_introspection: expect.objectContaining({
        active: true,
        cnf: { 'x5t#S256': world.a.thumbprint },
      }),
    })
  })

  test.each([
    'application/json, application/token-introspection+jwt;q=0',
    'application/token-introspection',
    '*/*',
  ])('answers in JSON for Accept: %s', async (accept) => {
    const answer = await ask(world.a, 'x', {}, { headers: { accept } })
    expect(answer.json).toEqual(inactive)
  })

  test('says no more of a dead token in a JWT than in JSON', async () => {
    const headers = { accept: 'Application/Token-Introspection+JWT' }
    const answer = await ask(world.a, 'x', {}, { headers })
    const claims = JSON.parse(Buffer.from(answer.text.split('.')[1] ?? '', 'base64url').toString())
    expect(claims.token_introspection).toEqual(inactive)
  })
})

describe('a token is inactive at once', () => {
  test('when it has ended, to the second', async () => {
    const { access_token } = (await world.token(world.a)).json
    world.clock.advance(3599)
    expect((await ask(world.a, access_token)).json.active).toBe(true)
    world.clock.advance(1)
    expect((await ask(world.a, access_token)).json).toEqual(inactive)
  })

  test('when its client is disabled, and active again with it', async () => {
    const { access_token, refresh_token } = (
      await world.token(world.a, { ...family, resource: api })
    ).json
    await world.server.clients.disable(world.a.client_id)
    expect((await ask(resourceServer, access_token)).json).toEqual(inactive)
    await world.server.clients.enable(world.a.client_id)
    expect((await ask(resourceServer, access_token)).json.active).toBe(true)
    expect((await ask(world.a, refresh_token)).json.active).toBe(true)
  })

  test('when its client is gone', async () => {
    const { access_token } = (await world.token(world.a, { resource: api })).json
    await world.server.clients.remove(world.a.client_id)
    expect((await ask(resourceServer, access_token)).json).toEqual(inactive)
  })

  test('when its user is disabled', async () => {
    await world.server.accounts.create('eve', 'secret')
    const login = { grant_type: 'password', username: 'eve', password: 'secret' }
    const { access_token, refresh_token } = (await world.token(world.a, login)).json
    expect((await ask(world.a, access_token)).json.active).toBe(true)
    await world.server.accounts.disable('eve')
    expect((await ask(world.a, access_token)).json).toEqual(inactive)
    expect((await ask(world.a, refresh_token)).json).toEqual(inactive)
  })

  test('when its user is disabled, though nothing of its grant was ever stored', async () => {
    await world.close()
    world = await openWorld({ a: { grant_types: ['password'] } })
    await world.server.accounts.create('eve', 'secret')
    const login = { grant_type: 'password', username: 'eve', password: 'secret' }
    const { access_token, refresh_token } = (await world.token(world.a, login)).json
    expect(refresh_token).toBeUndefined()
    expect((await ask(world.a, access_token)).json.active).toBe(true)
    await world.server.accounts.disable('eve')
    expect((await ask(world.a, access_token)).json).toEqual(inactive)
  })

  test('when it was renewed (a refresh token)', async () => {
    const { refresh_token } = (await world.token(world.a, family)).json
    const next = (await world.token(world.a, { grant_type: 'refresh_token', refresh_token })).json
    expect((await ask(world.a, refresh_token)).json).toEqual(inactive)
    expect((await ask(world.a, next.refresh_token)).json.active).toBe(true)
  })

  test('when its family ended because a token came again', async () => {
    const { access_token, refresh_token } = (await world.token(world.a, family)).json
    const again = { grant_type: 'refresh_token', refresh_token }
    const next = (await world.token(world.a, again)).json
    await world.token(world.a, again)
    for (const token of [access_token, next.access_token, next.refresh_token]) {
      expect((await ask(world.a, token)).json).toEqual(inactive)
    }
  })
})

describe('revocation', () => {
  test('of the refresh token ends all access tokens of the grant, and nobody else’s', async () => {
    const first = (await world.token(world.a, family)).json
    const renewed = { grant_type: 'refresh_token', refresh_token: first.refresh_token }
    const second = (await world.token(world.a, renewed)).json
    const other = (await world.token(world.a, family)).json
    world.events.length = 0
    const answer = await revoke(world.a, second.refresh_token)
    expect(answer.status).toBe(200)
    expect(world.only('token.revoked')).toMatchObject({ client_id: world.a.client_id })
    for (const token of [first.access_token, second.access_token, second.refresh_token]) {
      expect((await ask(world.a, token)).json).toEqual(inactive)
    }
    expect((await ask(world.a, other.access_token)).json.active).toBe(true)
    const next = { grant_type: 'refresh_token', refresh_token: second.refresh_token }
    expect((await world.token(world.a, next)).json.error).toBe('invalid_grant')
  })

  test('of an access token ends it alone where it stands alone', async () => {
    const [one, two] = [(await world.token(world.a)).json, (await world.token(world.a)).json]
    await revoke(world.a, one.access_token)
    expect((await ask(world.a, one.access_token)).json).toEqual(inactive)
    expect((await ask(world.a, two.access_token)).json.active).toBe(true)
  })

  test('of an access token ends the family that it came with', async () => {
    const { access_token, refresh_token } = (await world.token(world.a, family)).json
    await revoke(world.a, access_token)
    const next = { grant_type: 'refresh_token', refresh_token }
    expect((await world.token(world.a, next)).json.error).toBe('invalid_grant')
  })

  test.each(['access_token', 'refresh_token', 'id_token', ''])(
    'finds either kind whatever the hint: %j',
    async (token_type_hint) => {
      const { access_token, refresh_token } = (await world.token(world.a, family)).json
      const alone = (await world.token(world.a)).json.access_token
      await revoke(world.a, refresh_token, { token_type_hint })
      await revoke(world.a, alone, { token_type_hint })
      for (const token of [access_token, refresh_token, alone]) {
        expect((await ask(world.a, token, { token_type_hint })).json).toEqual(inactive)
      }
    },
  )

  test('is told once, however often it is asked for', async () => {
    const { refresh_token } = (await world.token(world.a, family)).json
    world.events.length = 0
    const answers = await Promise.all([1, 2, 3].map(() => revoke(world.a, refresh_token)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(world.events.filter(({ event }) => event === 'token.revoked')).toHaveLength(1)
  })
})
