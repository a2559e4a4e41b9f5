/** Plugins as others write them: short, and held to the same cases as ours. */
import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { testPlugin } from '../../lib/plugin-testing'
import { standardPlugins } from '../../plugins'
import { acmeHmac, signature } from '../plugins/acme-hmac'
import { acmeTicket } from '../plugins/acme-ticket'
import { acmeWebhook } from '../plugins/acme-webhook'
import { openWorld } from '../support/world'

test('each has less than 40 lines', () => {
  const folder = join(__dirname, '../plugins')
  for (const file of readdirSync(folder)) {
    const lines = readFileSync(join(folder, file), 'utf8').trimEnd().split('\n')
    expect([file, lines.length]).toEqual([file, Math.min(lines.length, 39)])
  }
})

const keys: Record<string, string> = { 'client-a': 'a'.repeat(32), 'client-b': 'b'.repeat(32) }

testPlugin(
  acmeHmac,
  {
    properties: { keys },
    clientAuth: {
      sign({ client_id }) {
        const nonce = randomUUID()
        const date = new Date().toISOString()
        const parameters = { grant_type: 'client_credentials' }
        const signed = { client_id, date, nonce, parameters }
        return {
          headers: {
            'x-acme-client': client_id,
            'x-acme-date': date,
            'x-acme-nonce': nonce,
            'x-acme-signature': signature(keys[client_id] ?? '', signed),
          },
        }
      },
      certificate: 'optional',
      singleUse: true,
    },
  },
  test,
)

const key = 'k'.repeat(32)

testPlugin(
  acmeTicket,
  {
    properties: { key },
    grant: {
      grant_type: 'urn:acme:ticket',
      parameters({ client_id }) {
        const user = randomUUID()
        const text = `${user}.${client_id}.${Math.floor(Date.now() / 1000) + 60}`
        const signature = createHmac('sha256', key).update(text).digest('base64url')
        return { ticket: `${text}.${signature}` }
      },
      singleUse: true,
    },
  },
  test,
)

testPlugin(
  acmeWebhook,
  // Nobody listens there: what it posts is lost, and nothing else is.
  { properties: { url: 'http://127.0.0.1:9', attempts: 2, pause: 1 } },
  test,
)

describe('the webhook', () => {
  let server: Server
  let failing: number
  const posted: { event: string; reason: string }[] = []

  beforeEach(async () => {
    failing = 0
    posted.length = 0
    server = createServer((req, res) => {
      const chunks: Buffer[] = []
      req.on('data', (chunk) => chunks.push(chunk))
      req.on('end', () => {
        failing -= 1
        res.writeHead(failing < 0 ? 204 : 500).end()
        if (failing >= 0) return
        posted.push(JSON.parse(Buffer.concat(chunks).toString()))
        server.emit('posted')
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(() => server.close())

  const world = () =>
    openWorld({
      plugins: [...standardPlugins, acmeWebhook],
      event_listener: [
        {
          id: 'hook',
          name: 'acme-webhook',
          type: 'listener',
          order: 920,
          enable: true,
          properties: {
            url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            attempts: 3,
            pause: 1,
          },
        },
      ],
    })

  test.each([0, 2])('posts a refusal, also after %d failures', async (failures) => {
    failing = failures
    const { token, a, close } = await world()
    const heard = once(server, 'posted')
    await token(a, { client_secret: 'wrong' })
    await heard
    expect(posted).toMatchObject([
      { event: 'rejected', reason: 'secret_mismatch', client_id: a.client_id },
    ])
    await close()
  })

  test('tells the operator what it could not post', async () => {
    failing = 100
    const { token, a, events, close } = await world()
    await token(a, { client_secret: 'wrong' })
    while (!events.some(({ event }) => event === 'webhook.lost')) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(posted).toEqual([])
    await close()
  })
})
