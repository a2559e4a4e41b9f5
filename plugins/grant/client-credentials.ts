import { definePlugin } from '../../lib/plugin'

/** RFC 6749 section 4.4: the client acts for itself, so no refresh token comes with it. */
export const clientCredentials = definePlugin({
  name: 'client_credentials',
  order: 310,
  setup: () => ({
    grant: {
      grant_type: 'client_credentials',
      decide: (_request, client) => ({ sub: client.client_id }),
    },
  }),
})
