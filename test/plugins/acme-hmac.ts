import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { accepted, definePlugin, rejected } from '../../lib/plugin'

/** The client signs its form with a key that both sides know; a request is good once, for a minute. */
export const acmeHmac = definePlugin({
  name: 'acme-hmac',
  order: 240,
  properties: z.strictObject({ keys: z.record(z.string(), z.string().min(32)) }),
  setup: ({ properties: { keys }, clock, replay }) => ({
    clientAuth: {
      needs: () => ['signature'],
      recognise: ({ headers }) => headers['x-acme-client'],
      async authenticate({ headers, parameters }, { client_id }) {
        const key = Object.hasOwn(keys, client_id) ? keys[client_id] : undefined
        const { 'x-acme-date': date = '', 'x-acme-nonce': nonce = '' } = headers
        const signed = Buffer.from(signature(key ?? '', { client_id, date, nonce, parameters }))
        const given = Buffer.from(headers['x-acme-signature'] ?? '')
        if (given.length !== signed.length || !timingSafeEqual(given, signed)) {
          return rejected('bad_signature')
        }
        if (key === undefined) return rejected('no_key')
        if (!(Math.abs(Date.parse(date) - clock.now()) < 60_000)) return rejected('bad_date')
        return (await replay.seen(nonce, clock.now() + 120_000)) ? rejected('replayed') : accepted()
      },
    },
  }),
})

export function signature(
  key: string,
  { parameters, ...signed }: { client_id: string; date: string; nonce: string; parameters: object },
): string {
  const { client_id, date, nonce } = signed
  const text = JSON.stringify([client_id, date, nonce, Object.entries(parameters).sort()])
  return createHmac('sha256', key).update(text).digest('base64url')
}
