import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { definePlugin } from '../../lib/plugin'

/** Posts what is refused and reused to a URL, again after a pause when that fails. */
export const acmeWebhook = definePlugin({
  name: 'acme-webhook',
  order: 920,
  properties: z.strictObject({
    url: z.url({ protocol: /^https?$/ }),
    attempts: z.int().min(1).max(10).default(5),
    pause: z.int().min(1).default(1000),
  }),
  setup({ properties: { url, attempts, pause }, log }) {
    const stop = new AbortController()
    const post = async (event: string, facts: object) => {
      const body = JSON.stringify({ event, ...facts })
      const headers = { 'content-type': 'application/json' }
      for (let attempt = 1; !stop.signal.aborted; attempt++) {
        const answer = await fetch(url, { method: 'POST', headers, body, signal: stop.signal })
          .then(({ ok }) => ok)
          .catch(() => false)
        if (answer || stop.signal.aborted) return
        if (attempt === attempts) return log.error('webhook.lost', { about: event })
        await sleep(pause * 2 ** (attempt - 1), undefined, { ref: false })
      }
    }
    return {
      listener: {
        rejected: (event) => post('rejected', event),
        reuseDetected: (event) => post('reuse_detected', event),
      },
      warnings: url.startsWith('https:')
        ? []
        : [`${url} is not https: events can be read and made up.`],
      close: () => stop.abort(),
    }
  },
})
