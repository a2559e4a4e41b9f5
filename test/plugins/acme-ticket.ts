import { createHmac } from 'node:crypto'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { definePlugin, rejected } from '../../lib/plugin'

/** A schema without a library: any Standard Schema does. */
const properties: StandardSchemaV1<{ key: string }> = {
  '~standard': {
    version: 1,
    vendor: 'acme',
    validate(given) {
      const { key, ...others } = given as { key?: unknown }
      const isKey = typeof key === 'string' && key.length >= 32
      if (isKey && Object.keys(others).length === 0) return { value: { key } }
      return { issues: [{ message: 'must be a key of 32 characters or more, and nothing else' }] }
    },
  },
}

/** A ticket that Acme's own login gave to a client: `user.client_id.seconds.signature`, good once. */
export const acmeTicket = definePlugin({
  name: 'acme-ticket',
  properties,
  setup: ({ properties: { key }, clock }) => ({
    grant: {
      grant_type: 'urn:acme:ticket',
      parameters: ['ticket'],
      decide({ parameters: { ticket = '' } }, client) {
        const [sub = '', client_id, seconds, signature] = ticket.split('.')
        const text = `${sub}.${client_id}.${seconds}`
        const right = createHmac('sha256', key).update(text).digest('base64url')
        if (sub === '' || signature !== right) return rejected('bad_ticket')
        if (client_id !== client.client_id) return rejected('ticket_of_another_client')
        const expires = Number(seconds) * 1000
        if (!(expires > clock.now())) return rejected('ticket_expired')
        return { sub, refreshable: true, consumes: { jti: ticket, expires } }
      },
    },
  }),
})
