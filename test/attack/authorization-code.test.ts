import { memoryStore } from '../../lib/store'
import {
  authorizationOf,
  authorizePath,
  callbackOf,
  inPeopleWorld,
  newCode,
  newPkce,
  openBrowser,
  openPeopleWorld,
  redeem,
} from '../support/browser'
import type { World } from '../support/world'

/** security.md E: what must not be had with a code that is used, old, stolen or half understood. */
let world: World
beforeAll(async () => {
  world = await openPeopleWorld()
})
afterAll(() => world.close())
beforeEach(() => {
  world.events.length = 0
})

const refused = { status: 400, json: { error: 'invalid_grant' } }

const me = (access_token: string, of = world.a) =>
  world.get('/oauth2/userinfo', {
    certificate: of.certificate,
    headers: { authorization: `Bearer ${access_token}` },
  })

describe('56: a code used twice', () => {
  test('is refused, ends all that its first use brought, and is reported (RFC 6749 section 4.1.2)', async () => {
    const code = await newCode(world)
    const first = (await world.token(world.a, redeem(code))).json
    const renewed = await world.token(world.a, {
      grant_type: 'refresh_token',
      refresh_token: first.refresh_token,
    })
    world.events.length = 0

    expect(await world.token(world.a, redeem(code))).toMatchObject(refused)
    expect(world.events.map(({ event, reason }) => [event, reason])).toEqual([
      ['token.reused', undefined],
      ['request.refused', 'code_used'],
    ])
    const { refresh_token } = renewed.json
    const after = await world.token(world.a, { grant_type: 'refresh_token', refresh_token })
    expect(after).toMatchObject(refused)
    expect((await me(first.access_token)).status).toBe(401)
    expect((await me(renewed.json.access_token)).status).toBe(401)
  })

  test('is known as such though it has ended meanwhile', async () => {
    const code = await newCode(world)
    const { access_token } = (await world.token(world.a, redeem(code))).json
    world.clock.advance(61)
    expect(await world.token(world.a, redeem(code))).toMatchObject(refused)
    expect((await me(access_token)).status).toBe(401)
  })

  test('eight times at once brings one answer at most', async () => {
    const code = await newCode(world)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => world.token(world.a, redeem(code))),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(400)])
  })
})

test('56: a code is worth nothing after 60 seconds', async () => {
  const code = await newCode(world)
  world.clock.advance(60)
  expect(await world.token(world.a, redeem(code))).toMatchObject(refused)
  expect(world.only('request.refused').reason).toBe('code_expired')
})

describe('57: a code', () => {
  test('of client a is not redeemed by client b, and stays good for a', async () => {
    const code = await newCode(world)
    const stolen = await world.token(world.b, redeem(code))
    expect(stolen).toMatchObject(refused)
    expect(world.only('request.refused').reason).toBe('code_of_another_client')
    expect(stolen.text).toBe((await world.token(world.b, redeem('no-such-code'))).text)
    expect((await world.token(world.a, redeem(code))).status).toBe(200)
  })

  test('of client a is not redeemed with the credentials of a and the certificate of b', async () => {
    const code = await newCode(world)
    const answer = await world.token(world.a, redeem(code), { certificate: world.b.certificate })
    expect(answer.status).toBe(401)
    expect((await world.token(world.a, redeem(code))).status).toBe(200)
  })

  const wrong: [string, Record<string, string>, string, string][] = [
    [
      'another redirect_uri',
      { redirect_uri: `${callbackOf('a')}?tenant=1` },
      'invalid_grant',
      'code_redirect_uri',
    ],
    ['no redirect_uri', { redirect_uri: '' }, 'invalid_request', 'missing_parameter'],
    [
      'another verifier',
      { code_verifier: newPkce().code_verifier },
      'invalid_grant',
      'code_verifier',
    ],
    ['no verifier', { code_verifier: '' }, 'invalid_request', 'missing_parameter'],
    [
      'a verifier that is too short',
      { code_verifier: 'x'.repeat(42) },
      'invalid_grant',
      'code_verifier',
    ],
  ]
  test.each(wrong)('is not redeemed with %s', async (_what, fields, error, reason) => {
    const code = await newCode(world)
    const answer = await world.token(world.a, redeem(code, fields))
    expect(answer.status).toBe(400)
    expect(answer.json.error).toBe(error)
    expect(world.only('request.refused').reason).toBe(reason)
  })

  test('is not redeemed with its challenge in place of the verifier, as under plain', async () => {
    const { code_challenge } = newPkce()
    const code = await newCode(world, { code_challenge })
    const answer = await world.token(world.a, redeem(code, { code_verifier: code_challenge }))
    expect(answer).toMatchObject(refused)
  })

  const pkce: [string, Record<string, string | undefined>][] = [
    ['no challenge at all', { code_challenge: undefined, code_challenge_method: undefined }],
    ['the method plain', { code_challenge_method: 'plain' }],
    ['no method, which means plain', { code_challenge_method: undefined }],
    ['the method s256', { code_challenge_method: 's256' }],
    ['a challenge that is none', { code_challenge: 'x' }],
    ['a challenge with padding', { code_challenge: `${'A'.repeat(43)}=` }],
  ]
  test.each(pkce)('is not given for %s, so no verifier comes unasked', async (_what, fields) => {
    const path = authorizePath(authorizationOf(world.a, fields))
    const { location } = await openBrowser(world).visit(path)
    expect(location?.searchParams.get('error')).toBe('invalid_request')
    expect(location?.searchParams.get('iss')).toBe(world.server.issuer)
    expect(world.only('request.refused').reason).toBe('code_challenge')
  })
})

test('57: a code for no client that is on: disabled after consent, it is not served', async () => {
  const code = await newCode(world)
  await world.server.clients.disable(world.a.client_id)
  expect((await world.token(world.a, redeem(code))).status).toBe(401)
  await world.server.clients.enable(world.a.client_id)
})

test('54: a code dies with the password of its user', async () => {
  const username = 'bob'
  await world.server.accounts.create(username, 'first')
  const browser = openBrowser(world)
  const login = await browser.visit(authorizePath(authorizationOf(world.a)))
  const consent = await browser.send(login, { username, password: 'first' })
  const { location } = await browser.send(consent, { decision: 'allow' })
  await world.server.accounts.setPassword(username, 'second')
  const code = location?.searchParams.get('code') ?? ''
  expect(await world.token(world.a, redeem(code))).toMatchObject(refused)
})

test('58: a client that vanishes after the commit and tries again is refused, and has no family', async () => {
  const store = memoryStore()
  const { commitIssue } = store
  let committed = () => {}
  store.commitIssue = async (issue) => {
    const done = await commitIssue.call(store, issue)
    committed()
    return done
  }
  await inPeopleWorld({ store }, async (world) => {
    const code = await newCode(world)
    committed = () => world.https.closeAllConnections()
    await expect(world.token(world.a, redeem(code))).rejects.toThrow()
    committed = () => {}
    world.events.length = 0
    expect(await world.token(world.a, redeem(code))).toMatchObject(refused)
    const { grant } = world.only('token.reused')
    expect(await store.isGrantRevoked(String(grant))).toBe(true)
  })
})

test('52: a refresh token of a code flow is nothing in the hands of another client', async () => {
  const { refresh_token } = (await world.token(world.a, redeem(await newCode(world)))).json
  const refresh = { grant_type: 'refresh_token', refresh_token }
  expect(await world.token(world.b, refresh)).toMatchObject(refused)
  expect((await world.token(world.a, refresh)).status).toBe(200)
})

test('53: a code grants no more than the person was shown', async () => {
  const wider = { scope: 'openid accounts:read accounts:write' }
  const answer = await world.token(world.a, redeem(await newCode(world), wider))
  expect(answer.json.error).toBe('invalid_scope')
})

test('no code, verifier, token or password is in any event', async () => {
  const browser = openBrowser(world)
  const login = await browser.visit(authorizePath(authorizationOf(world.a)))
  const canary = 'canary-of-the-password'
  await browser.send(login, { username: 'alice', password: canary })
  const code = await newCode(world)
  const { access_token, refresh_token } = (await world.token(world.a, redeem(code))).json
  await world.token(world.a, redeem(code))
  const told = JSON.stringify(world.events)
  for (const secret of [canary, code, redeem(code).code_verifier, access_token, refresh_token]) {
    expect(told).not.toContain(secret)
  }
})
