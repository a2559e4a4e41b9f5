import { definePlugin, type TokenRequest } from '../../lib/plugin'

/**
 * RFC 6749 section 2.3.1, for clients registered for the secret alone. Off until an
 * `[[event_listener]]` names them; a client of another method gains nothing by their being on.
 */
export const clientSecretBasic = definePlugin({
  name: 'client_secret_basic',
  setup: () => ({
    clientAuth: {
      needs: () => ['secret'],
      recognise: (request) => (usesBasic(request) ? request.client_id : undefined),
      authenticate: ({ client_secret }, client) => client.judgeSecret(client_secret),
    },
  }),
})

export const clientSecretPost = definePlugin({
  name: 'client_secret_post',
  setup: () => ({
    clientAuth: {
      needs: () => ['secret'],
      recognise: (request) =>
        usesBasic(request) || request.client_secret === undefined ? undefined : request.client_id,
      authenticate: ({ client_secret }, client) => client.judgeSecret(client_secret),
    },
  }),
})

function usesBasic(request: TokenRequest): boolean {
  return request.headers.authorization !== undefined
}
