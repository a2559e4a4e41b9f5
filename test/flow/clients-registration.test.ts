import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { type MutualFetch, mutualFetch } from '../support/mutual-fetch'
import { initialToken, jwksOf, openRegistrationWorld } from '../support/registration'
import type { World } from '../support/world'

/** Registration by strict client libraries as they come, over mutual TLS; then a token by what they got. */
let world: World
let registrar: MutualFetch
let own: MutualFetch
beforeAll(async () => {
  world = await openRegistrationWorld()
  registrar = mutualFetch(world, world.a.certificate)
  own = mutualFetch(world, world.certificates.stranger)
})
afterAll(async () => {
  await registrar.close()
  await own.close()
  await world.close()
})

const metadata = () => ({
  client_name: 'new',
  grant_types: ['client_credentials'],
  scope: 'accounts:read',
  jwks: jwksOf(world.certificates.stranger),
})

test('oauth4webapi registers, and gets a token', async () => {
  const issuer = new URL(world.server.issuer)
  const options = { [oauth.customFetch]: registrar.fetch }
  const found = await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' })
  const as = await oauth.processDiscoveryResponse(issuer, found)
  const client = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(as, metadata(), {
      ...options,
      initialAccessToken: await initialToken(world),
    }),
  )
  const auth = oauth.ClientSecretPost(String(client.client_secret))
  const response = await oauth.clientCredentialsGrantRequest(
    as,
    client,
    auth,
    { scope: 'accounts:read' },
    { [oauth.customFetch]: own.fetch },
  )
  const token = await oauth.processClientCredentialsResponse(as, client, response)
  expect(token.token_type).toBe('bearer')
})

test('openid-client registers, and gets a token', async () => {
  const config = await openid.dynamicClientRegistration(
    new URL(world.server.issuer),
    metadata(),
    undefined,
    {
      [openid.customFetch]: registrar.fetch,
      initialAccessToken: await initialToken(world),
    },
  )
  config[openid.customFetch] = own.fetch
  const token = await openid.clientCredentialsGrant(config, { scope: 'accounts:read' })
  expect(token.access_token).toEqual(expect.any(String))
})
