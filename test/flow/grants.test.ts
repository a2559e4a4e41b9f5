import { claimsOf, openWorld, type World } from '../support/world'

/** The three grants of the first day, over TLS, with somebody beside who tries to use what is not his. */
let world: World
beforeEach(async () => {
  world = await openWorld({
    super_admin: { username: 'admin', password: 'admin', create_admin_account: true },
  })
})
afterEach(() => world.close())

const admin = { grant_type: 'password', username: 'admin', password: 'admin' }

describe('scope', () => {
  test('is all that the client registered when none is asked for, and is told', async () => {
    const { json } = await world.token(world.a)
    expect(json.scope).toBe('accounts:read accounts:write')
    expect(claimsOf(json.access_token).scope).toBe('accounts:read accounts:write')
  })

  test('is not repeated when it is what was asked for', async () => {
    const { json } = await world.token(world.a, { scope: 'accounts:read' })
    expect(json).not.toHaveProperty('scope')
    expect(claimsOf(json.access_token).scope).toBe('accounts:read')
  })

  test('is refused whole when part of it is not the client’s', async () => {
    const answer = await world.token(world.a, { scope: 'accounts:read root' })
    expect(answer.status).toBe(400)
    expect(answer.json.error).toBe('invalid_scope')
  })
})

test('refuses a resource that the client may not ask for (RFC 8707)', async () => {
  const answer = await world.token(world.a, { resource: 'https://elsewhere.example' })
  expect(answer.status).toBe(400)
  expect(answer.json.error).toBe('invalid_target')
})

describe('password', () => {
  test('gives a token of the user, with a refresh token', async () => {
    const { status, json } = await world.token(world.a, admin)
    expect(status).toBe(200)
    expect(json.refresh_token).toHaveLength(43)
    const account = await world.server.accounts.find('admin')
    expect(claimsOf(json.access_token).sub).toBe(account?.account_id)
  })

  test('answers a wrong password and an unknown user alike', async () => {
    const wrong = await world.token(world.a, { ...admin, password: 'wrong' })
    expect(wrong.status).toBe(400)
    expect(wrong.json.error).toBe('invalid_grant')
    expect(world.only('user.rejected').reason).toBe('wrong_password')
    const unknown = await world.token(world.a, { ...admin, username: 'nobody' })
    expect(unknown.text).toBe(wrong.text)
  })

  test.each(['username', 'password'])('is malformed without %s', async (name) => {
    const answer = await world.token(world.a, { ...admin, [name]: '' })
    expect(answer.json.error).toBe('invalid_request')
  })

  test('is closed to a client that does not list it', async () => {
    await world.close()
    world = await openWorld({ a: { grant_types: ['client_credentials'] } })
    expect((await world.token(world.a, admin)).json.error).toBe('unauthorized_client')
  })
})

describe('refresh_token', () => {
  const refresh = (refresh_token: string) => ({ grant_type: 'refresh_token', refresh_token })

  test('is used once: the second use ends the whole family', async () => {
    const first = (await world.token(world.a, admin)).json
    const second = await world.token(world.a, refresh(first.refresh_token))
    expect(second.status).toBe(200)
    expect(second.json.refresh_token).not.toBe(first.refresh_token)
    expect(claimsOf(second.json.access_token).cnf).toEqual({ 'x5t#S256': world.a.thumbprint })

    world.events.length = 0
    const again = await world.token(world.a, refresh(first.refresh_token))
    expect(again.json.error).toBe('invalid_grant')
    expect(world.events.map(({ event }) => event)).toContain('token.reused')
    const newest = await world.token(world.a, refresh(second.json.refresh_token))
    expect(newest.json.error).toBe('invalid_grant')
  })

  test('has exactly one winner of eight at once', async () => {
    const { refresh_token } = (await world.token(world.a, admin)).json
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => world.token(world.a, refresh(refresh_token))),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(400)])
  })

  test('is worth nothing to another client, and stays whole', async () => {
    const { refresh_token } = (await world.token(world.a, admin)).json
    const stolen = await world.token(world.b, refresh(refresh_token))
    expect(stolen.json.error).toBe('invalid_grant')
    expect((await world.token(world.a, refresh(refresh_token))).status).toBe(200)
  })

  test('is worth nothing without the client’s certificate', async () => {
    const { refresh_token } = (await world.token(world.a, admin)).json
    const answer = await world.token(world.a, refresh(refresh_token), { certificate: undefined })
    expect(answer.status).toBe(401)
    expect((await world.token(world.a, refresh(refresh_token))).status).toBe(200)
  })

  test('survives a renewed certificate once that is registered', async () => {
    const { refresh_token } = (await world.token(world.a, admin)).json
    const renewed = world.certificates.stranger
    const by = { certificate: renewed }
    expect((await world.token(world.a, refresh(refresh_token), by)).status).toBe(401)
    await world.server.clients.addCertificate(world.a.client_id, renewed.cert)
    const answer = await world.token(world.a, refresh(refresh_token), by)
    expect(answer.status).toBe(200)
    expect(claimsOf(answer.json.access_token).cnf?.['x5t#S256']).not.toBe(world.a.thumbprint)
  })

  test('gives less scope on request, keeps its full scope, and never gives more', async () => {
    const { refresh_token } = (await world.token(world.a, { ...admin, scope: 'accounts:read' }))
      .json
    const wider = await world.token(world.a, { ...refresh(refresh_token), scope: 'accounts:write' })
    expect(wider.json.error).toBe('invalid_scope')
    const { json } = await world.token(world.a, refresh(refresh_token))
    expect(claimsOf(json.access_token).scope).toBe('accounts:read')
  })

  test('ends when its life is over, however often it was renewed', async () => {
    let { refresh_token } = (await world.token(world.a, admin)).json
    for (let day = 0; day < 29; day += 7) {
      world.clock.advance(7 * 86_400)
      const { status, json } = await world.token(world.a, refresh(refresh_token))
      expect(status).toBe(day < 28 ? 200 : 400)
      refresh_token = json.refresh_token
    }
  })

  test('ends with the password it was given for', async () => {
    const { refresh_token } = (await world.token(world.a, admin)).json
    await world.server.accounts.setPassword('admin', 'another')
    expect((await world.token(world.a, refresh(refresh_token))).json.error).toBe('invalid_grant')
  })
})

describe('a bound token at a resource', () => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

  test('opens the route with the certificate it is bound to, and with no other', async () => {
    const { access_token } = (await world.token(world.a, { scope: 'accounts:read' })).json
    const headers = bearer(access_token)
    const own = await world.get('/me', { headers, certificate: world.a.certificate })
    expect(own.status).toBe(200)
    expect(own.json.client_id).toBe(world.a.client_id)
    for (const certificate of [undefined, world.b.certificate]) {
      const answer = await world.get('/me', { headers, certificate })
      expect(answer.status).toBe(401)
      expect(answer.json.error).toBe('invalid_token')
      expect(answer.headers['www-authenticate']).toContain('error="invalid_token"')
    }
  })

  test('needs the scope of the route', async () => {
    const { access_token } = (await world.token(world.a, { scope: 'accounts:write' })).json
    const answer = await world.get('/accounts', {
      headers: bearer(access_token),
      certificate: world.a.certificate,
    })
    expect(answer.status).toBe(403)
    expect(answer.json.error).toBe('insufficient_scope')
  })

  test('is asked for by a bare challenge when there is none', async () => {
    const answer = await world.get('/me', { certificate: world.a.certificate })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="oauth2"')
  })

  test('is over after its time', async () => {
    const { access_token } = (await world.token(world.a)).json
    world.clock.advance(3600 + 31)
    const answer = await world.get('/me', {
      headers: bearer(access_token),
      certificate: world.a.certificate,
    })
    expect(answer.json.error).toBe('invalid_token')
  })
})

test('publishes the signing key without its private part', async () => {
  const { json, headers } = await world.get('/oauth2/jwks')
  expect(json.keys).toHaveLength(1)
  expect(Object.keys(json.keys[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  expect(headers['cache-control']).toMatch(/max-age/)
})

test('says that it is ready, and what is wrong when it is not', async () => {
  expect((await world.get('/health')).json).toEqual({ status: 'ready' })
  world.server.reportHealth(() => ({ degraded: ['stale_crl'], unavailable: [] }))
  expect((await world.get('/health')).json).toEqual({ status: 'degraded', reasons: ['stale_crl'] })
  world.server.reportHealth(() => ({ degraded: [], unavailable: ['draining'] }))
  const answer = await world.get('/health')
  expect(answer.status).toBe(503)
  expect(answer.json).toEqual({ status: 'unavailable', reasons: ['draining'] })
})
