import type { Pages } from '../../lib/server/pages'
import {
  alice,
  authorizationOf,
  authorizePath,
  callbackOf,
  inPeopleWorld,
  newCode,
  openBrowser,
  openPeopleWorld,
  redeem,
} from '../support/browser'
import { claimsOf, type World } from '../support/world'

/** Code, PKCE and OpenID Connect, from the client's link to tokens, by a browser that is not drawn. */
let world: World
beforeAll(async () => {
  world = await openPeopleWorld()
})
afterAll(() => world.close())
beforeEach(() => {
  world.events.length = 0
})

const begin = (fields: Record<string, string | undefined> = {}, { a } = world) =>
  authorizePath(authorizationOf(a, fields))

test('login, consent, code, tokens', async () => {
  const browser = openBrowser(world)
  const login = await browser.visit(begin())
  expect(login.status).toBe(200)
  expect(login.form?.fields).toEqual(['username', 'password'])

  const consent = await browser.send(login, alice)
  expect(consent.status).toBe(200)
  expect(consent.form?.fields).toEqual(['decision', 'decision'])
  expect(consent.text).toContain('<li>accounts:read</li>')

  const back = await browser.send(consent, { decision: 'allow' })
  expect(back.status).toBe(303)
  const { origin, pathname, searchParams } = back.location ?? new URL('none:')
  expect(origin + pathname).toBe(callbackOf('a'))
  expect(searchParams.get('state')).toBe('state-of-a')
  // RFC 9207
  expect(searchParams.get('iss')).toBe(world.server.issuer)

  const { status, json } = await world.token(world.a, redeem(searchParams.get('code') ?? ''))
  expect(status).toBe(200)
  expect(json).toEqual({
    access_token: expect.any(String),
    refresh_token: expect.any(String),
    id_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'openid accounts:read',
  })
  const { account_id } = (await world.server.accounts.find('alice')) ?? {}
  expect(claimsOf(json.access_token)).toMatchObject({
    sub: account_id,
    aud: world.server.issuer,
    client_id: world.a.client_id,
    scope: 'openid accounts:read',
    cnf: { 'x5t#S256': world.a.thumbprint },
  })
})

test('the id token says who logged in and when, to this client, and no more', async () => {
  const { json } = await world.token(world.a, redeem(await newCode(world)))
  const { account_id } = (await world.server.accounts.find('alice')) ?? {}
  const claims = claimsOf(json.id_token)
  expect(claims).toEqual({
    iss: world.server.issuer,
    sub: account_id,
    aud: world.a.client_id,
    iat: expect.any(Number),
    exp: expect.any(Number),
    auth_time: expect.any(Number),
    nonce: 'nonce-of-a',
  })
  expect(Math.abs(Number(claims.auth_time) - world.clock.now() / 1000)).toBeLessThan(20)
})

test('without the scope openid there is no id token', async () => {
  const code = await newCode(world, { scope: 'accounts:read' })
  expect((await world.token(world.a, redeem(code))).json).not.toHaveProperty('id_token')
})

test('the scope openid is given only to a client that registered it', () =>
  inPeopleWorld({ a: { scope: 'accounts:read' } }, async (world) => {
    const { location } = await openBrowser(world).visit(begin({ scope: 'openid' }, world))
    expect(location?.searchParams.get('error')).toBe('invalid_scope')
  }))

test('no scope asked for is all that the client registered', async () => {
  const { json } = await world.token(world.a, redeem(await newCode(world, { scope: undefined })))
  expect(json.scope).toBe('openid accounts:read accounts:write')
})

test('no state and no nonce are needed', async () => {
  const path = begin({ state: undefined, nonce: undefined })
  const { location } = await openBrowser(world).allow(path)
  expect(location?.searchParams.has('state')).toBe(false)
  const { json } = await world.token(world.a, redeem(location?.searchParams.get('code') ?? ''))
  expect(claimsOf(json.id_token)).not.toHaveProperty('nonce')
})

test('a state comes back as it was sent, whatever is in it', async () => {
  const state = 'a b&c=d#e%0d%0a"<script>ü'
  const { location } = await openBrowser(world).allow(begin({ state }))
  expect(location?.searchParams.get('state')).toBe(state)
  expect(location?.hash).toBe('')
})

test('a redirect URI keeps the query that it was registered with', async () => {
  const redirect_uri = `${callbackOf('a')}?tenant=1`
  const { location } = await openBrowser(world).allow(begin({ redirect_uri }))
  expect(location?.href.startsWith(`${redirect_uri}&`)).toBe(true)
  const code = location?.searchParams.get('code') ?? ''
  expect((await world.token(world.a, redeem(code, { redirect_uri }))).status).toBe(200)
})

describe('resource (RFC 8707)', () => {
  test('asked for when the person was, it is the audience of all tokens of the grant', async () => {
    const code = await newCode(world, { resource: 'https://api.example' })
    const first = (await world.token(world.a, redeem(code))).json
    expect(claimsOf(first.access_token).aud).toBe('https://api.example')
    const { refresh_token } = first
    const second = await world.token(world.a, { grant_type: 'refresh_token', refresh_token })
    expect(claimsOf(second.json.access_token).aud).toBe('https://api.example')
  })

  test('is shown to the person who is asked', async () => {
    const browser = openBrowser(world)
    const login = await browser.visit(begin({ resource: 'https://api.example' }))
    expect((await browser.send(login, alice)).text).toContain('https://api.example alone')
  })

  test('another one than was asked for is refused at the token endpoint', async () => {
    for (const resource of ['https://other.example', world.server.issuer]) {
      const code = await newCode(world, { resource: 'https://api.example' })
      const answer = await world.token(world.a, redeem(code, { resource }))
      expect(answer.json.error).toBe('invalid_target')
    }
  })

  test('one that the client may not ask for goes back as invalid_target', async () => {
    const { location } = await openBrowser(world).visit(begin({ resource: 'https://x.example' }))
    expect(location?.searchParams.get('error')).toBe('invalid_target')
  })
})

describe('who has logged in', () => {
  test('is not asked for the password again, but for consent each time', async () => {
    const browser = openBrowser(world)
    await browser.allow(begin())
    expect((await browser.visit(begin())).form?.fields).toEqual(['decision', 'decision'])
  })

  test('is asked again when the client wants it: prompt=login, max_age', async () => {
    const browser = openBrowser(world)
    await browser.allow(begin())
    for (const more of [{ prompt: 'login' }, { prompt: 'select_account' }, { max_age: '0' }]) {
      expect((await browser.visit(begin(more))).form?.fields).toEqual(['username', 'password'])
    }
    expect((await browser.visit(begin({ max_age: '60' }))).form?.fields).toContain('decision')
    world.clock.advance(61)
    expect((await browser.visit(begin({ max_age: '60' }))).form?.fields).toContain('username')
  })

  test('has to log in again after eight hours', async () => {
    const browser = openBrowser(world)
    await browser.allow(begin())
    world.clock.advance(8 * 3600)
    expect((await browser.visit(begin())).form?.fields).toContain('username')
  })

  test.each(['setPassword', 'disable'] as const)('is out at once after %s', async (change) => {
    const username = `user-${change}`
    await world.server.accounts.create(username, alice.password)
    const browser = openBrowser(world)
    const consent = await browser.send(await browser.visit(begin()), { ...alice, username })
    await world.server.accounts[change](username, 'another')
    const answer = await browser.send(consent, { decision: 'allow' })
    expect(answer.form?.fields).toEqual(['username', 'password'])
  })

  test('prompt=none shows nothing: login_required, then consent_required', async () => {
    const browser = openBrowser(world)
    const first = await browser.visit(begin({ prompt: 'none' }))
    expect(first.location?.searchParams.get('error')).toBe('login_required')
    await browser.allow(begin())
    const second = await browser.visit(begin({ prompt: 'none' }))
    expect(second.location?.searchParams.get('error')).toBe('consent_required')
    expect(second.location?.searchParams.get('state')).toBe('state-of-a')
  })
})

test('a wrong password shows the form again, says no more, and is told the operator', async () => {
  const browser = openBrowser(world)
  const wrong = await browser.send(await browser.visit(begin()), { ...alice, password: 'wrong' })
  expect(wrong.status).toBe(403)
  expect(wrong.form?.fields).toEqual(['username', 'password'])
  expect(world.only('user.rejected')).toMatchObject({
    reason: 'wrong_password',
    client_id: world.a.client_id,
    ip: expect.stringContaining('127.0.0.1'),
  })
  const unknown = await browser.send(wrong, { username: 'mallory', password: 'wrong' })
  const form = /name="form" value="[^"]*"/
  expect(unknown.text.replace(form, '')).toBe(wrong.text.replace(form, ''))
  expect((await browser.send(unknown, alice)).form?.fields).toContain('decision')
})

test.each(['username', 'password'])(
  'a %s over 512 bytes is wrong without being hashed',
  async (name) => {
    const browser = openBrowser(world)
    const login = await browser.visit(begin())
    const verify = jest.spyOn(world.server.accounts, 'verify')
    const answer = await browser.send(login, { ...alice, [name]: 'x'.repeat(513) })
    expect(answer.status).toBe(403)
    expect(verify).not.toHaveBeenCalled()
    verify.mockRestore()
  },
)

test('who denies is sent back with access_denied', async () => {
  const browser = openBrowser(world)
  const consent = await browser.send(await browser.visit(begin()), alice)
  const { location } = await browser.send(consent, { decision: 'deny' })
  expect(Object.fromEntries(location?.searchParams ?? [])).toEqual({
    error: 'access_denied',
    error_description: expect.any(String),
    iss: world.server.issuer,
    state: 'state-of-a',
  })
  expect(world.only('request.refused')).toMatchObject({
    error: 'access_denied',
    reason: 'consent_denied',
  })
})

test('a client without refresh_token gets none, and its code is used once all the same', () =>
  inPeopleWorld({ a: { grant_types: ['authorization_code'] } }, async (world) => {
    const code = await newCode(world)
    expect((await world.token(world.a, redeem(code))).json).not.toHaveProperty('refresh_token')
    expect((await world.token(world.a, redeem(code))).json.error).toBe('invalid_grant')
  }))

test('the tokens of a code are renewed like any others', async () => {
  const { refresh_token } = (await world.token(world.a, redeem(await newCode(world)))).json
  const { status, json } = await world.token(world.a, {
    grant_type: 'refresh_token',
    refresh_token,
  })
  expect(status).toBe(200)
  expect(claimsOf(json.access_token).scope).toBe('openid accounts:read')
})

test('pages are replaced one by one, inside our frame', () => {
  const pages: Partial<Pages> = {
    login: ({ client_name, form }, html) => ({
      title: 'Willkommen',
      body: html`<h1>${client_name}</h1>${form.hidden}`,
    }),
  }
  return inPeopleWorld({ pages }, async (world) => {
    const login = await openBrowser(world).visit(begin({}, world))
    expect(login.text).toContain('<title>Willkommen</title>')
    expect(login.headers['content-security-policy']).toContain("default-src 'none'")
  })
})

test('a replaced page that is no html is an error, not a page', () => {
  const body = { toString: () => '<script>alert(1)</script>' }
  return inPeopleWorld({ pages: { login: () => ({ title: 'x', body }) } }, async (world) => {
    const answer = await openBrowser(world).visit(begin({}, world))
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('alert')
  })
})
