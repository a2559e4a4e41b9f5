import * as oauth from 'oauth4webapi'
import { alice, callbackOf, openBrowser, openPeopleWorld } from '../support/browser'
import { type MutualFetch, mutualFetch } from '../support/mutual-fetch'
import { claimsOf, type World } from '../support/world'

/** oauth4webapi as it comes, a strict client by somebody else: all of a login over mutual TLS. */
let world: World
let mutual: MutualFetch
let as: oauth.AuthorizationServer
let client: oauth.Client
let clientAuth: oauth.ClientAuth
let options: { [oauth.customFetch]: MutualFetch['fetch'] }

beforeAll(async () => {
  world = await openPeopleWorld()
  mutual = mutualFetch(world, world.a.certificate)
  options = { [oauth.customFetch]: mutual.fetch }
  client = { client_id: world.a.client_id, use_mtls_endpoint_aliases: true }
  clientAuth = oauth.ClientSecretPost(world.a.client_secret)
  as = await discover('oidc')
})
afterAll(async () => {
  await mutual.close()
  await world.close()
})

async function discover(algorithm: 'oidc' | 'oauth2') {
  const issuer = new URL(world.server.issuer)
  const response = await oauth.discoveryRequest(issuer, { ...options, algorithm })
  return oauth.processDiscoveryResponse(issuer, response)
}

/** From discovery to tokens; `push`: by a pushed request. */
async function logIn(push: boolean, state: string, nonce: string, auth = clientAuth) {
  const code_verifier = oauth.generateRandomCodeVerifier()
  const asked = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: callbackOf('a'),
    response_type: 'code',
    scope: 'openid accounts:read',
    code_challenge: await oauth.calculatePKCECodeChallenge(code_verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  const url = new URL(String(as.authorization_endpoint))
  if (push) {
    const response = await oauth.pushedAuthorizationRequest(as, client, auth, asked, options)
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, response)
    url.search = new URLSearchParams({ client_id: client.client_id, request_uri }).toString()
  } else url.search = asked.toString()

  const { location } = await openBrowser(world).allow(url.pathname + url.search)
  const back = oauth.validateAuthResponse(as, client, location ?? new URL('none:'), state)
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    auth,
    back,
    callbackOf('a'),
    code_verifier,
    options,
  )
  return oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
    maxAge: 60,
  })
}

test('both kinds of discovery say the same', async () => {
  expect(await discover('oauth2')).toEqual(as)
})

test.each([true, false])('code flow, PKCE, iss, id token; pushed: %s', async (push) => {
  const tokens = await logIn(push, oauth.generateRandomState(), oauth.generateRandomNonce())
  expect(tokens.token_type).toBe('bearer')
  expect(claimsOf(tokens.access_token).cnf).toEqual({ 'x5t#S256': world.a.thumbprint })
  const { account_id } = (await world.server.accounts.find(alice.username)) ?? {}
  expect(oauth.getValidatedIdTokenClaims(tokens)?.sub).toBe(account_id)
})

test('client_secret_basic does as well as client_secret_post', async () => {
  const basic = oauth.ClientSecretBasic(world.a.client_secret)
  const tokens = await logIn(true, oauth.generateRandomState(), oauth.generateRandomNonce(), basic)
  expect(tokens.access_token).toEqual(expect.any(String))
})

test('refresh, userinfo, introspection and revocation', async () => {
  const tokens = await logIn(true, oauth.generateRandomState(), oauth.generateRandomNonce())
  const renewal = await oauth.refreshTokenGrantRequest(
    as,
    client,
    clientAuth,
    tokens.refresh_token ?? '',
    options,
  )
  const { access_token, refresh_token } = await oauth.processRefreshTokenResponse(
    as,
    client,
    renewal,
  )

  const sub = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? ''
  const answered = await oauth.userInfoRequest(as, client, access_token, options)
  expect(await oauth.processUserInfoResponse(as, client, sub, answered)).toEqual({
    sub,
    preferred_username: alice.username,
  })

  const introspect = async () =>
    oauth.processIntrospectionResponse(
      as,
      client,
      await oauth.introspectionRequest(as, client, clientAuth, access_token, options),
    )
  expect(await introspect()).toMatchObject({
    active: true,
    sub,
    cnf: { 'x5t#S256': world.a.thumbprint },
  })
  const revocation = await oauth.revocationRequest(
    as,
    client,
    clientAuth,
    refresh_token ?? '',
    options,
  )
  await oauth.processRevocationResponse(revocation)
  expect(await introspect()).toEqual({ active: false })
})

test('what is denied is told in the redirect, and the client believes that it is from us', async () => {
  const state = oauth.generateRandomState()
  const asked = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: callbackOf('a'),
    response_type: 'code',
    code_challenge: await oauth.calculatePKCECodeChallenge(oauth.generateRandomCodeVerifier()),
    code_challenge_method: 'S256',
    prompt: 'none',
    state,
  })
  const { location } = await openBrowser(world).visit(`/oauth2/authorize?${asked}`)
  const validate = () => oauth.validateAuthResponse(as, client, location ?? new URL('none:'), state)
  expect(validate).toThrow(oauth.AuthorizationResponseError)
  expect(location?.searchParams.get('error')).toBe('login_required')
})
