import { alice, newCode, openPeopleWorld, redeem } from '../support/browser'
import { claimsOf, type World } from '../support/world'

/** OpenID Connect Core section 5.3, behind a bound token like any other resource. */
let world: World
beforeAll(async () => {
  world = await openPeopleWorld()
})
afterAll(() => world.close())

const tokens = async (fields: Record<string, string | undefined> = {}) =>
  (await world.token(world.a, redeem(await newCode(world, fields)))).json

const ask = (token: string, { certificate } = world.a, method = 'GET') =>
  world.get('/oauth2/userinfo', {
    certificate,
    method,
    headers: { authorization: `Bearer ${token}` },
  })

test.each(['GET', 'POST'])('tells who the token speaks for (%s)', async (method) => {
  const { access_token, id_token } = await tokens()
  const { status, json, headers } = await ask(access_token, world.a, method)
  expect(status).toBe(200)
  expect(json).toEqual({ sub: claimsOf(id_token).sub, preferred_username: alice.username })
  expect(headers['cache-control']).toBe('no-store')
})

test('refuses a token without its certificate, with another one, and none at all', async () => {
  const { access_token } = await tokens()
  world.events.length = 0
  for (const certificate of [undefined, world.b.certificate]) {
    const answer = await world.get('/oauth2/userinfo', {
      certificate,
      headers: { authorization: `Bearer ${access_token}` },
    })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"')
  }
  expect(world.events.map(({ event, reason }) => [event, reason])).toEqual([
    ['request.refused', 'token_without_certificate'],
    ['request.refused', 'token_bound_to_another_certificate'],
  ])
  expect(world.events[1]?.thumbprint).toBe(world.b.thumbprint.slice(0, 16))
  const none = await world.get('/oauth2/userinfo', { certificate: world.a.certificate })
  expect(none.status).toBe(401)
  expect(none.headers['www-authenticate']).toBe('Bearer realm="oauth2"')
})

test('refuses a token without the scope openid', async () => {
  const { access_token } = await tokens({ scope: 'accounts:read' })
  const answer = await ask(access_token)
  expect(answer.status).toBe(403)
  expect(answer.json.error).toBe('insufficient_scope')
})

test('refuses a token of a client, which is nobody', async () => {
  const { access_token } = (await world.token(world.a, { scope: 'openid' })).json
  expect((await ask(access_token)).status).toBe(401)
  expect(world.events.at(-1)?.reason).toBe('token_of_nobody')
})

test('refuses an id token in place of an access token', async () => {
  const { id_token } = await tokens()
  expect((await ask(id_token)).status).toBe(401)
  const route = await world.get('/me', {
    certificate: world.a.certificate,
    headers: { authorization: `Bearer ${id_token}` },
  })
  expect(route.status).toBe(401)
})

test('refuses the tokens of a user who was disabled since, of a revoked grant, of a disabled client', async () => {
  const revoked = (await tokens()).access_token
  const [grant_id = ''] = String(claimsOf(revoked).jti).split('.')
  expect((await ask(revoked)).status).toBe(200)
  const code = await newCode(world)
  const again = (await world.token(world.a, redeem(code))).json.access_token
  await world.token(world.a, redeem(code))
  expect((await ask(again)).status).toBe(401)
  expect(grant_id).not.toBe('')

  const { access_token } = await tokens()
  await world.server.clients.disable(world.a.client_id)
  expect((await ask(access_token)).status).toBe(401)
  await world.server.clients.enable(world.a.client_id)
  expect((await ask(access_token)).status).toBe(200)
  await world.server.accounts.disable(alice.username)
  expect((await ask(access_token)).status).toBe(401)
})
