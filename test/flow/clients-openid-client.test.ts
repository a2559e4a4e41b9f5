import * as client from 'openid-client'
import { alice, callbackOf, openBrowser, openPeopleWorld } from '../support/browser'
import { type MutualFetch, mutualFetch } from '../support/mutual-fetch'
import { claimsOf, type Person, type World } from '../support/world'

/** openid-client as it comes, as most Node programs would use it: a whole login over mutual TLS. */
let world: World
const opened: MutualFetch[] = []

beforeAll(async () => {
  world = await openPeopleWorld()
})
afterAll(async () => {
  for (const { close } of opened) await close()
  await world.close()
})

function fetchOf({ certificate }: Person): MutualFetch['fetch'] {
  const mutual = mutualFetch(world, certificate)
  opened.push(mutual)
  return mutual.fetch
}

function configure(person: Person, by = person) {
  return client.discovery(
    new URL(world.server.issuer),
    person.client_id,
    { use_mtls_endpoint_aliases: true },
    client.ClientSecretPost(person.client_secret),
    { [client.customFetch]: fetchOf(by) },
  )
}

/** What a program does before it sends a browser, and after the browser is back. */
async function logIn(config: client.Configuration, push: boolean) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const expectedNonce = client.randomNonce()
  const parameters = {
    redirect_uri: callbackOf('a'),
    scope: 'openid accounts:read',
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  }
  const url = push
    ? await client.buildAuthorizationUrlWithPAR(config, parameters)
    : client.buildAuthorizationUrl(config, parameters)
  const browser = openBrowser(world)
  const { location } = await browser.allow(url.pathname + url.search)
  const tokens = await client.authorizationCodeGrant(config, location ?? url, {
    pkceCodeVerifier,
    expectedState,
    expectedNonce,
    idTokenExpected: true,
  })
  return { tokens, browser }
}

test.each([true, false])('discovery, code flow, id token, userinfo; pushed: %s', async (push) => {
  const config = await configure(world.a)
  const { tokens } = await logIn(config, push)
  const { sub } = tokens.claims() ?? {}
  expect(claimsOf(tokens.access_token).cnf).toEqual({ 'x5t#S256': world.a.thumbprint })
  expect(await client.fetchUserInfo(config, tokens.access_token, sub ?? '')).toEqual({
    sub,
    preferred_username: alice.username,
  })
})

test('refresh, a protected resource, introspection, revocation', async () => {
  const config = await configure(world.a)
  const { tokens } = await logIn(config, true)
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  const resource = await client.fetchProtectedResource(
    config,
    renewed.access_token,
    new URL('/accounts', world.url),
    'GET',
  )
  expect(resource.status).toBe(200)
  expect((await client.tokenIntrospection(config, renewed.access_token)).active).toBe(true)
  await client.tokenRevocation(config, renewed.refresh_token ?? '')
  expect((await client.tokenIntrospection(config, renewed.access_token)).active).toBe(false)
})

test('logout: the link that it builds ends the login and comes back', async () => {
  const config = await configure(world.a)
  const { tokens, browser } = await logIn(config, true)
  const { pathname, search } = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token ?? '',
    post_logout_redirect_uri: callbackOf('a'),
    state: 'gone',
  })
  const done = await browser.send(await browser.visit(pathname + search))
  expect(done.headers.location).toBe(`${callbackOf('a')}?state=gone`)
})

test('the same program with the certificate of another client gets nothing', async () => {
  const config = await configure(world.a, world.b)
  await expect(logIn(config, true)).rejects.toMatchObject({ error: 'invalid_client', status: 401 })
  const { tokens } = await logIn(await configure(world.a), false)
  await expect(client.fetchUserInfo(config, tokens.access_token, 'x')).rejects.toThrow()
})
