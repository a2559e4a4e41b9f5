import { z } from 'zod'
import { accepted, definePlugin, rejected } from '../../lib/plugin'
import { mandateMutualSSL } from './mandate-mutual-ssl'

/**
 * The check that this package exists for: a TLS client certificate **and** a client id + secret, both
 * of the same client. It is what WSO2's MutualTLSWithIdSecretAuthenticator does, and keeps the meaning
 * of its one property:
 *
 * | MandateMutualSSL | client with a registered certificate | client registered to go without |
 * |---|---|---|
 * | true (default)   | certificate and secret | refused |
 * | "observe"        | certificate and secret | secret alone passes, and the audit line tells |
 * | false            | certificate and secret | secret alone passes |
 *
 * A client goes without certificate only when it was registered so: a certificate that was forgotten
 * or removed locks the client and never weakens it.
 */
export const mtlsSecret = definePlugin({
  name: 'mtls-secret',
  order: 200,
  properties: z.strictObject({
    MandateMutualSSL: mandateMutualSSL().default(true),
    ClientSecretInQuery: z
      .enum(['refuse', 'accept'], {
        error: ({ input }) => `must be "refuse" or "accept", found ${JSON.stringify(input)}`,
      })
      .default('refuse'),
  }),
  setup: ({ properties }) => ({
    clientAuth: {
      secretInQuery: properties.ClientSecretInQuery === 'accept',

      needs({ withoutCertificate }) {
        if (!withoutCertificate) return ['certificate', 'secret']
        return properties.MandateMutualSSL === true ? [] : ['secret']
      },

      recognise: (request) => request.client_id,

      async authenticate({ client_secret, certificate }, client) {
        const secret = await client.judgeSecret(client_secret)
        if (!secret.accepted) return secret
        if (client.withoutCertificate) return mandate(properties.MandateMutualSSL)
        return client.judgeCertificate(certificate)
      },
    },
    warnings:
      properties.ClientSecretInQuery === 'accept'
        ? [
            'ClientSecretInQuery is "accept": a secret in a URL stays behind in the logs of servers and proxies (RFC 6749 section 2.3.1).',
          ]
        : [],
  }),
})

function mandate(MandateMutualSSL: boolean | 'observe') {
  if (MandateMutualSSL === 'observe') {
    return accepted({ would_be_refused: 'no_certificate_registered' })
  }
  return MandateMutualSSL ? rejected('no_certificate_registered') : accepted()
}
