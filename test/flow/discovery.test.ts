import { customFetch, discoveryRequest, processDiscoveryResponse } from 'oauth4webapi'
import { mutualFetch } from '../support/mutual-fetch'
import { oauthSettings } from '../support/oauth-settings'
import { openWorld, type World, type WorldOptions } from '../support/world'

/** What the server says of itself is what is on: no more, no less, and by reload at once. */
let world: World
afterEach(() => world.close())

async function metadataOf(options: WorldOptions = {}) {
  world = await openWorld(options)
  const { status, json } = await world.get('/.well-known/oauth-authorization-server')
  expect(status).toBe(200)
  return json
}

const entry = (name: string, more: object = {}) => ({
  id: name,
  name,
  type: 'org.wso2.carbon.identity.core.handler.AbstractIdentityHandler',
  order: undefined,
  enable: true,
  properties: {},
  ...more,
})

test('names what is on by default', async () => {
  const metadata = await metadataOf()
  expect(metadata).toMatchObject({
    issuer: world.url,
    token_endpoint: `${world.url}/oauth2/token`,
    jwks_uri: `${world.url}/oauth2/jwks`,
    introspection_endpoint: `${world.url}/oauth2/introspect`,
    revocation_endpoint: `${world.url}/oauth2/revoke`,
    authorization_endpoint: `${world.url}/oauth2/authorize`,
    pushed_authorization_request_endpoint: `${world.url}/oauth2/par`,
    userinfo_endpoint: `${world.url}/oauth2/userinfo`,
    end_session_endpoint: `${world.url}/oidc/logout`,
    grant_types_supported: [
      'authorization_code',
      'client_credentials',
      'password',
      'refresh_token',
    ],
    response_types_supported: ['code'],
    token_endpoint_auth_methods_supported: ['mtls-secret'],
    introspection_endpoint_auth_methods_supported: ['mtls-secret'],
    revocation_endpoint_auth_methods_supported: ['mtls-secret'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    id_token_signing_alg_values_supported: ['ES256'],
    tls_client_certificate_bound_access_tokens: true,
  })
  expect(metadata).not.toHaveProperty('registration_endpoint')
  expect(metadata).not.toHaveProperty('mtls_endpoint_aliases')
  expect(JSON.stringify(metadata)).not.toContain('private_key_jwt')
})

test('every endpoint that it names is there, and may be asked by the methods that it has', async () => {
  const metadata = await metadataOf({ oauth: oauthSettings({ dcr: { enable: true } }) })
  const urls = Object.entries(metadata).filter(([name]) => /_endpoint$|^jwks_uri$/.test(name))
  expect(urls).toHaveLength(9)
  for (const [name, url] of urls) {
    const { pathname, origin } = new URL(String(url))
    expect(origin).toBe(world.url)
    const answer = await world.get(pathname, { method: 'TRACE' })
    expect([name, answer.status]).toEqual([name, 405])
    expect(answer.headers.allow).toMatch(/GET|POST/)
  }
})

test('is the same for OpenID Connect, may be cached for a minute, and holds nothing but public facts', async () => {
  await metadataOf()
  const oauth = await world.get('/.well-known/oauth-authorization-server')
  const openid = await world.get('/.well-known/openid-configuration')
  expect(openid.text).toBe(oauth.text)
  expect(openid.headers['cache-control']).toBe('public, max-age=60')
})

test('leaves out the browser’s half where authorization codes are off', async () => {
  const metadata = await metadataOf({
    event_listener: [
      entry('authorization_code', { enable: false }),
      entry('password', { enable: false }),
    ],
  })
  expect(metadata.grant_types_supported).toEqual(['client_credentials', 'refresh_token'])
  expect(metadata.response_types_supported).toEqual([])
  for (const name of ['authorization_endpoint', 'userinfo_endpoint', 'scopes_supported']) {
    expect(metadata).not.toHaveProperty(name)
  }
})

test('names methods in the order in which they speak', async () => {
  const metadata = await metadataOf({
    event_listener: [
      entry('client_secret_basic', { order: 90 }),
      entry('tls_client_auth', { order: 250 }),
    ],
  })
  expect(metadata.token_endpoint_auth_methods_supported).toEqual([
    'client_secret_basic',
    'mtls-secret',
    'tls_client_auth',
  ])
  expect(metadata).not.toHaveProperty('token_endpoint_auth_signing_alg_values_supported')
})

test('names what a client may sign its assertion with once private_key_jwt is on (RFC 8414 section 2)', async () => {
  const metadata = await metadataOf({ event_listener: [entry('private_key_jwt', { order: 260 })] })
  for (const endpoint of ['token', 'introspection', 'revocation']) {
    expect(metadata[`${endpoint}_endpoint_auth_signing_alg_values_supported`]).toEqual([
      'ES256',
      'ES384',
      'RS256',
      'PS256',
    ])
  }
})

test('names the listener that requires certificates, for what programs call alone (RFC 8705 section 5)', async () => {
  await metadataOf()
  world.server.listensAt(world.url, 'https://localhost:9446')
  const metadata = (await world.get('/.well-known/oauth-authorization-server')).json
  expect(metadata.mtls_endpoint_aliases).toEqual({
    token_endpoint: 'https://localhost:9446/oauth2/token',
    introspection_endpoint: 'https://localhost:9446/oauth2/introspect',
    revocation_endpoint: 'https://localhost:9446/oauth2/revoke',
    pushed_authorization_request_endpoint: 'https://localhost:9446/oauth2/par',
    userinfo_endpoint: 'https://localhost:9446/oauth2/userinfo',
  })
  expect(metadata.token_endpoint).toBe(`${world.url}/oauth2/token`)
})

test('names registration only where it is on', async () => {
  const metadata = await metadataOf({ oauth: oauthSettings({ dcr: { enable: true } }) })
  expect(metadata.registration_endpoint).toBe(`${world.url}/oauth2/register`)
})

test.each(['oauth2', 'oidc'] as const)('oauth4webapi accepts it as %s', async (algorithm) => {
  await metadataOf()
  const { fetch, close } = mutualFetch(world, undefined)
  try {
    const issuer = new URL(world.url)
    const response = await discoveryRequest(issuer, { algorithm, [customFetch]: fetch })
    const found = await processDiscoveryResponse(new URL(world.server.issuer), response)
    expect(found.token_endpoint).toBe(`${world.url}/oauth2/token`)
  } finally {
    await close()
  }
})
