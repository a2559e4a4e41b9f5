import { definePlugin, rejected } from '../../lib/plugin'

/**
 * RFC 6749 section 4.3, kept because the page uses it. RFC 9700 section 2.4 forbids it for new
 * systems: it is open only to a client that lists it, and such clients are named at the start.
 */
export const password = definePlugin({
  name: 'password',
  order: 320,
  setup: ({ accounts }) => ({
    grant: {
      grant_type: 'password',
      parameters: ['username', 'password'],
      async decide({ parameters }) {
        const account = await accounts.verify(parameters.username ?? '', parameters.password ?? '')
        return account === undefined
          ? rejected('wrong_password')
          : { sub: account.account_id, refreshable: true }
      },
    },
  }),
})
