import { definePlugin, type Facts, type RequestFacts } from '../../lib/plugin'

/**
 * One line for each thing that an operator may be asked about later. The fields are listed one by
 * one: nothing reaches the log because somebody added it to an event.
 */
export const auditLog = definePlugin({
  name: 'audit-log',
  order: 900,
  setup: ({ log }) => ({
    listener: {
      issued(event) {
        log.info('token.issued', {
          client_id: event.client_id,
          thumbprint: event.thumbprint,
          ip: event.ip,
          request_id: event.request_id,
          grant_type: event.grant_type,
          sub: event.sub,
          scope: event.scope,
          jti: event.jti,
          would_be_refused: event.would_be_refused === undefined ? undefined : true,
          secret_in_query: event.secret_in_query,
        })
      },
      rejected(event) {
        const name = eventNames[event.reason] ?? eventNames[event.error] ?? 'request.refused'
        log.warn(name, { ...who(event), error: event.error, reason: event.reason })
      },
      revoked(event) {
        log.info('token.revoked', { ...who(event), grant: event.grant_id })
      },
      reuseDetected(event) {
        log.error('token.reused', { ...who(event), grant: event.grant_id })
      },
    },
  }),
})

/** The event of a refusal, by its reason or by its code. */
const eventNames: Readonly<Record<string, string>> = {
  wrong_password: 'user.rejected',
  invalid_client: 'client.rejected',
}

function who({ client_id, thumbprint, ip, request_id }: RequestFacts): Facts {
  return { client_id, thumbprint, ip, request_id }
}
