import { z } from 'zod'
import {
  accepted,
  definePlugin,
  type PluginClient,
  rejected,
  type TokenRequest,
  type Verdict,
} from '../../lib/plugin'
import { assertionSubject, readAssertion } from './assertion'
import { mandateMutualSSL } from './mandate-mutual-ssl'

/**
 * The client signs who it is with a key of its own (RFC 7523 section 3, OpenID Connect Core section 9):
 * an assertion of at most five minutes, for this server, and used once. Off until an
 * `[[event_listener]]` names it.
 *
 * MandateMutualSSL: true asks for the client's certificate as well, by the same rules as `mtls-secret`;
 * "observe" tells in the audit line whom that would refuse; false (the default) leaves it.
 */
export const privateKeyJwt = definePlugin({
  name: 'private_key_jwt',
  properties: z.strictObject({ MandateMutualSSL: mandateMutualSSL().default(false) }),
  setup: ({ properties, clock, replay, urls }) => ({
    clientAuth: {
      needs: () =>
        properties.MandateMutualSSL === true
          ? ['signed assertion', 'certificate']
          : ['signed assertion'],

      recognise: (request) =>
        isAssertion(request) ? assertionSubject(request.parameters.client_assertion) : undefined,

      async authenticate(request, client) {
        const read = readAssertion(request.parameters.client_assertion, client, {
          now: clock.now(),
          audiences: [urls.issuer, ...urls.token_endpoints],
        })
        if (typeof read === 'string') return rejected(read)
        const other = otherMethod(request, client)
        if (other !== undefined) return rejected(other)
        const certificate = await judgeCertificate(properties.MandateMutualSSL, request, client)
        if (!certificate.accepted) return certificate
        // Last of all: an assertion that somebody caught and sent without the rest is not used up.
        const key = JSON.stringify(['private_key_jwt', client.client_id, read.jti])
        const again = await replay.seen(key, read.exp * 1000)
        return again ? rejected(replayed) : certificate
      },
    },
  }),
})

const replayed = 'assertion_replayed'

/** RFC 7521 section 4.2. */
function isAssertion({ parameters }: TokenRequest): boolean {
  return (
    parameters.client_assertion_type === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  )
}

/** RFC 6749 section 2.3: one method in a request; RFC 7521 section 4.2: one name. */
function otherMethod(request: TokenRequest, { client_id }: PluginClient): string | undefined {
  const secret = request.client_secret ?? request.headers.authorization
  if (secret !== undefined) return 'secret_beside_assertion'
  return (request.client_id ?? client_id) === client_id ? undefined : 'assertion_subject'
}

async function judgeCertificate(
  mandate: boolean | 'observe',
  { certificate }: TokenRequest,
  client: PluginClient,
): Promise<Verdict> {
  if (mandate === false) return accepted()
  const verdict = await client.judgeCertificate(certificate)
  if (verdict.accepted || mandate === true) return verdict
  return accepted({ would_be_refused: verdict.reason ?? 'no_certificate_presented' })
}
