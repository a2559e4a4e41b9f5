import { createHash } from 'node:crypto'
import { definePlugin, rejected } from '../../lib/plugin'

/**
 * RFC 6749 section 4.1.3 with PKCE (RFC 7636), S256 only. This handler only decides; the issuer uses
 * the code up and stores what it issues in one commit. A code that comes a second time is let through
 * to that commit, which says no: then everything from its first use is revoked (section 4.1.2).
 */
export const authorizationCode = definePlugin({
  name: 'authorization_code',
  order: 300,
  setup: ({ codes, clock }) => ({
    grant: {
      grant_type: 'authorization_code',
      parameters: ['code', 'redirect_uri', 'code_verifier'],
      async decide({ parameters }, client) {
        const found = await codes.find(parameters.code ?? '')
        if (found === undefined) return rejected('unknown_code')
        // Another client's code is not told apart from an unknown one, and stays good for its owner.
        if (found.client_id !== client.client_id) return rejected('code_of_another_client')
        if (found.used === undefined && found.expires <= clock.now()) {
          return rejected('code_expired')
        }
        if (found.redirect_uri !== parameters.redirect_uri) return rejected('code_redirect_uri')
        if (found.code_challenge !== challengeOf(parameters.code_verifier ?? '')) {
          return rejected('code_verifier')
        }
        return {
          sub: found.sub,
          scope: found.scope,
          resources: found.resources,
          refreshable: true,
          consumes: { code: found },
        }
      },
    },
  }),
})

/** RFC 7636 section 4.6; undefined for what section 4.1 does not call a verifier. */
function challengeOf(verifier: string): string | undefined {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return undefined
  return createHash('sha256').update(verifier).digest('base64url')
}
