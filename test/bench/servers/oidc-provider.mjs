/**
 * oidc-provider: secret in the form and tokens bound to the certificate, which is the nearest it has
 * to "certificate and secret"; JWT access tokens by resource indicators; everything in memory.
 */
import { createServer } from 'node:https'
import { Provider } from 'oidc-provider'
import { showsCertificate } from './identify.mjs'
import { clients, issuer, listen, ready, settings, signingKey, tlsOptions } from './world.mjs'

const { alg, scope } = settings
const server = createServer(tlsOptions)
await listen(server)
const audience = issuer

const provider = new Provider(issuer, {
  adapter: inMemory(),
  clients: settings.identities.map(({ client_id, client_secret }) => ({
    client_id,
    client_secret,
    grant_types: ['client_credentials', 'refresh_token', 'authorization_code'],
    redirect_uris: ['https://client.example/callback'],
    token_endpoint_auth_method: 'client_secret_post',
    tls_client_certificate_bound_access_tokens: true,
    id_token_signed_response_alg: alg,
    scope: `openid offline_access ${scope}`,
  })),
  jwks: { keys: [{ ...signingKey.export({ format: 'jwk' }), alg, use: 'sig', kid: 'oidc' }] },
  scopes: ['openid', 'offline_access', ...scope.split(' ')],
  clientAuthMethods: ['client_secret_post'],
  enabledJWA: { idTokenSigningAlgValues: [alg] },
  routes: { token: '/oauth2/token' },
  rotateRefreshToken: true,
  ttl: { ClientCredentials: 3600, AccessToken: 3600, RefreshToken: 2_592_000, Grant: 2_592_000 },
  findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    mTLS: { enabled: true, certificateBoundAccessTokens: true, getCertificate },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope,
        audience,
        accessTokenTTL: 3600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg } },
      }),
    },
  },
})

/** The library binds to whatever is shown, so the registered certificate is insisted on here. */
function getCertificate(ctx) {
  if (!showsCertificate(ctx.oidc.client.clientId, ctx.socket)) return undefined
  return ctx.socket.getPeerX509Certificate()
}

/**
 * A Map. The library's own adapter looks through all earlier tokens of a family at each rotation,
 * which would measure how long the bench has been running.
 */
function inMemory() {
  const rows = new Map()
  const families = new Map()
  return (model) => ({
    async upsert(id, payload) {
      rows.set(`${model}:${id}`, payload)
      const { grantId } = payload
      if (grantId === undefined) return
      if (families.has(grantId)) families.get(grantId).push(`${model}:${id}`)
      else families.set(grantId, [`${model}:${id}`])
    },
    find: async (id) => rows.get(`${model}:${id}`),
    async consume(id) {
      rows.get(`${model}:${id}`).consumed = Math.floor(Date.now() / 1000)
    },
    async destroy(id) {
      rows.delete(`${model}:${id}`)
    },
    async revokeByGrantId(grantId) {
      for (const key of families.get(grantId) ?? []) rows.delete(key)
    },
  })
}

/** Refresh tokens as an authorization code would have given them, for each connection in turn. */
async function firstTokens(count) {
  const tokens = []
  for (let index = 0; index < count; index++) {
    const { client_id } = settings.identities[index % settings.identities.length]
    const accountId = `account-${index}`
    const grant = new provider.Grant({ accountId, clientId: client_id })
    grant.addOIDCScope('offline_access')
    grant.addResourceScope(audience, scope)
    const token = new provider.RefreshToken({
      accountId,
      client: await provider.Client.find(client_id),
      grantId: await grant.save(),
      gty: 'authorization_code',
      authTime: Math.floor(Date.now() / 1000),
      scope: `offline_access ${scope}`,
      resource: audience,
    })
    token['x5t#S256'] = clients.get(client_id).thumbprint
    tokens.push(await token.save())
  }
  return tokens
}

server.on('request', provider.callback())
ready({ refresh_tokens: await firstTokens(64) })
