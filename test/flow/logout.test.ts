import {
  authorizationOf,
  authorizePath,
  callbackOf,
  newCode,
  openBrowser,
  openPeopleWorld,
  redeem,
} from '../support/browser'
import type { World } from '../support/world'

/** OpenID Connect RP-Initiated Logout: the person is asked, then the login of that browser ends. */
let world: World
let id_token: string
beforeAll(async () => {
  world = await openPeopleWorld()
  id_token = (await world.token(world.a, redeem(await newCode(world)))).json.id_token
})
afterAll(() => world.close())

const begin = () => authorizePath(authorizationOf(world.a))

const logoutPath = (fields: Record<string, string> = {}) =>
  `/oidc/logout?${new URLSearchParams(fields)}`

async function loggedIn() {
  const browser = openBrowser(world)
  await browser.allow(begin())
  return browser
}

const isLoggedIn = async (browser: ReturnType<typeof openBrowser>) =>
  (await browser.visit(begin())).form?.fields.includes('decision')

test('asks first, and nothing has ended until the person says so', async () => {
  const browser = await loggedIn()
  const page = await browser.visit(logoutPath({ id_token_hint: id_token }))
  expect(page.status).toBe(200)
  expect(page.text).toContain('alice')
  expect(await isLoggedIn(browser)).toBe(true)
})

test('ends the login, the cookie with it, and stays here', async () => {
  const browser = await loggedIn()
  const { cookie } = browser
  const done = await browser.send(await browser.visit(logoutPath()))
  expect(done.status).toBe(200)
  expect(done.text).toContain('You are logged out')
  expect(browser.cookie).toBeUndefined()
  browser.cookie = cookie
  expect(await isLoggedIn(browser)).toBe(false)
})

test.each(['id_token_hint', 'client_id'])(
  'goes where the client is registered, told by %s',
  async (by) => {
    const browser = await loggedIn()
    const who = by === 'client_id' ? { client_id: world.a.client_id } : { id_token_hint: id_token }
    const fields = { ...who, post_logout_redirect_uri: callbackOf('a'), state: 'done & gone' }
    const page = await browser.visit(logoutPath(fields))
    expect(page.headers['content-security-policy']).toContain(
      "form-action 'self' https://a.example;",
    )
    const done = await browser.send(page)
    expect(done.status).toBe(303)
    expect(done.headers.location).toBe(`${callbackOf('a')}?state=done+%26+gone`)
  },
)

test('without a login there is nothing to ask', async () => {
  const fields = { id_token_hint: id_token, post_logout_redirect_uri: callbackOf('a') }
  expect((await openBrowser(world).visit(logoutPath(fields))).headers.location).toBe(
    callbackOf('a'),
  )
  expect((await openBrowser(world).visit(logoutPath())).text).toContain('You are logged out')
})

test('a hint is taken though it has ended', async () => {
  world.clock.advance(2 * 3600)
  const fields = { id_token_hint: id_token, post_logout_redirect_uri: callbackOf('a') }
  expect((await openBrowser(world).visit(logoutPath(fields))).status).toBe(303)
})

test('a POST of a client becomes a GET, since only that carries the cookie', async () => {
  const browser = await loggedIn()
  const sent = await world.post('/oidc/logout', { id_token_hint: id_token, state: 'x' })
  expect(sent.status).toBe(303)
  expect(sent.headers.location).toBe(logoutPath({ id_token_hint: id_token, state: 'x' }))
  expect((await browser.visit(String(sent.headers.location))).form).toBeDefined()
})

describe('never goes', () => {
  const never: [string, () => Record<string, string>][] = [
    ['where no client is named', () => ({ post_logout_redirect_uri: callbackOf('a') })],
    [
      'where the client is unknown',
      () => ({ client_id: 'x', post_logout_redirect_uri: callbackOf('a') }),
    ],
    [
      'where another client is registered',
      () => ({ id_token_hint: id_token, post_logout_redirect_uri: callbackOf('b') }),
    ],
    [
      'near where the client is registered',
      () => ({ id_token_hint: id_token, post_logout_redirect_uri: `${callbackOf('a')}/` }),
    ],
    [
      'where hint and client_id contradict each other',
      () => ({
        id_token_hint: id_token,
        client_id: world.b.client_id,
        post_logout_redirect_uri: callbackOf('b'),
      }),
    ],
    [
      'by a hint that we did not sign',
      () => ({
        id_token_hint: `${id_token.slice(0, -4)}AAAA`,
        post_logout_redirect_uri: callbackOf('a'),
      }),
    ],
  ]
  test.each(never)('%s', async (_where, fields) => {
    const browser = await loggedIn()
    const answer = await browser.visit(logoutPath(fields()))
    expect(answer.status).toBe(400)
    expect(answer.location).toBeUndefined()
    expect(await isLoggedIn(browser)).toBe(true)
  })
})

test('refuses an access token as a hint', async () => {
  const { access_token } = (await world.token(world.a)).json
  const answer = await openBrowser(world).visit(logoutPath({ id_token_hint: access_token }))
  expect(answer.status).toBe(400)
})

test('a logout form of another browser, or from another site, logs nobody out', async () => {
  const [browser, other] = [await loggedIn(), await loggedIn()]
  const page = await other.visit(logoutPath())
  expect((await browser.send(page)).status).toBe(400)
  const own = await browser.visit(logoutPath())
  expect((await browser.send(own, {}, { origin: 'https://evil.example' })).status).toBe(403)
  expect(await isLoggedIn(browser)).toBe(true)
})
