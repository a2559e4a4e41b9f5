import { definePlugin, type PluginClient, type TokenRequest } from '../../lib/plugin'

/**
 * RFC 8705 section 2: the certificate alone. `tls_client_auth` is for a name under a CA that the client
 * registered (section 2.1), `self_signed_tls_client_auth` for the certificate itself (section 2.2); what
 * is registered decides how it is judged. Off until an `[[event_listener]]` names them.
 */
export const tlsClientAuth = definePlugin({
  name: 'tls_client_auth',
  setup: () => ({ clientAuth: certificateAlone }),
})

export const selfSignedTlsClientAuth = definePlugin({
  name: 'self_signed_tls_client_auth',
  setup: () => ({ clientAuth: certificateAlone }),
})

const certificateAlone = {
  needs: () => ['certificate'],
  /** RFC 6749 section 2.3: whoever shows a secret or an assertion uses another method. */
  recognise: ({ client_id, client_secret, headers, parameters }: TokenRequest) =>
    client_secret === undefined &&
    headers.authorization === undefined &&
    parameters.client_assertion === undefined
      ? client_id
      : undefined,
  authenticate: ({ certificate }: TokenRequest, client: PluginClient) =>
    client.judgeCertificate(certificate),
}
