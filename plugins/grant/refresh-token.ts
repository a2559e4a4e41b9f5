import { definePlugin, rejected } from '../../lib/plugin'

/**
 * RFC 6749 section 6 with rotation (RFC 9700 section 4.14): a refresh token is used once. This handler
 * only decides; the issuer uses the token up and stores its successor in one commit, so that of two
 * requests with the same token exactly one wins, and sees when a used one comes again.
 */
export const refreshToken = definePlugin({
  name: 'refresh_token',
  order: 330,
  setup: ({ refreshTokens, clock }) => ({
    grant: {
      grant_type: 'refresh_token',
      parameters: ['refresh_token'],
      async decide({ parameters }, client) {
        const found = await refreshTokens.find(parameters.refresh_token ?? '')
        if (found === undefined) return rejected('unknown_refresh_token')
        const { grant } = found
        // RFC 6749 section 10.4: another client's token is not told apart from an unknown one.
        if (grant.client_id !== client.client_id) return rejected('refresh_token_of_another_client')
        if (grant.revoked !== undefined) return rejected('grant_revoked')
        if (found.expires <= clock.now()) return rejected('refresh_token_expired')
        return {
          sub: grant.sub,
          scope: stillRegistered(grant.scope, client.scope),
          resources: grant.resources,
          claims: JSON.parse(grant.claims),
          refreshable: true,
          consumes: { refresh_token: found },
        }
      },
    },
  }),
})

/** What was taken from the client since is not given any more, though somebody once granted it. */
function stillRegistered(granted: string, registered: string): string {
  const names = registered.split(' ')
  return granted
    .split(' ')
    .filter((name) => names.includes(name))
    .join(' ')
}
