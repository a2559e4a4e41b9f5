import { Agent } from 'node:https'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { ClientCredentials } from 'simple-oauth2'
import { type MutualFetch, mutualFetch } from '../support/mutual-fetch'
import { claimsOf, openWorld, type World } from '../support/world'

/** Client libraries as they come get a machine's token with id, secret and certificate. curl: page.test.ts. */
let world: World
let mutual: MutualFetch
beforeAll(async () => {
  world = await openWorld()
  mutual = mutualFetch(world, world.a.certificate)
})
afterAll(async () => {
  await mutual.close()
  await world.close()
})

function expectBound(access_token: unknown): void {
  expect(claimsOf(String(access_token))).toMatchObject({
    client_id: world.a.client_id,
    scope: 'accounts:read',
    cnf: { 'x5t#S256': world.a.thumbprint },
  })
}

test.each([
  ['in the body', openid.ClientSecretPost],
  ['in a Basic header', openid.ClientSecretBasic],
])('openid-client, secret %s', async (_where, method) => {
  const configuration = await openid.discovery(
    new URL(world.url),
    world.a.client_id,
    undefined,
    method(world.a.client_secret),
    { [openid.customFetch]: mutual.fetch },
  )
  const tokens = await openid.clientCredentialsGrant(configuration, { scope: 'accounts:read' })
  expectBound(tokens.access_token)
})

test.each([
  ['in the body', oauth.ClientSecretPost],
  ['in a Basic header', oauth.ClientSecretBasic],
])('oauth4webapi, secret %s', async (_where, method) => {
  const as = { issuer: world.url, token_endpoint: `${world.url}/oauth2/token` }
  const client = { client_id: world.a.client_id }
  const response = await oauth.clientCredentialsGrantRequest(
    as,
    client,
    method(world.a.client_secret),
    new URLSearchParams({ scope: 'accounts:read' }),
    { [oauth.customFetch]: mutual.fetch },
  )
  const tokens = await oauth.processClientCredentialsResponse(as, client, response)
  expectBound(tokens.access_token)
})

test.each(['body', 'header'] as const)('simple-oauth2, secret in the %s', async (where) => {
  const https = new Agent({ ca: world.certificates.ca.certificatePem, ...world.a.certificate })
  const client = new ClientCredentials({
    client: { id: world.a.client_id, secret: world.a.client_secret },
    auth: { tokenHost: world.url, tokenPath: '/oauth2/token' },
    options: { authorizationMethod: where, bodyFormat: 'form' },
    // Its types don't know that the library under it takes agents.
    http: { agents: { https, http: https, httpsAllowUnauthorized: https } } as object,
  })
  const { token } = await client.getToken({ scope: 'accounts:read' })
  expectBound(token.access_token)
  https.destroy()
})
