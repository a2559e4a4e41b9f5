/**
 * security.md, I (80 to 82), and what its section 6 found Node to do unless it is stopped. The trust file
 * (83, 84) is held by test/unit/certificate/trust.test.ts and keystore.test.ts, renegotiation and
 * tickets by test/unit/service/listeners.test.ts, resumed sessions by presented.test.ts.
 */
import { once } from 'node:events'
import { createServer, type Server, type ServerOptions } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import express from 'express'
import { openTrust, serverOptions } from '../../lib'
import { openWorld, type World } from '../support/world'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const portOf = (server: Server) => (server.address() as AddressInfo).port

/** What comes back until the server hangs up; `hello` may be nothing, and our end stays open. */
function answerTo(server: Server, hello: string | Buffer, halfClose = true): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket: Socket = connect(portOf(server), '127.0.0.1')
    socket.on('data', (data) => chunks.push(data))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(Buffer.concat(chunks)))
    if (halfClose) socket.end(hello)
    else socket.write(hello)
  })
}

/** The protocol of a completed handshake, or the code of its failure. */
function handshake(server: Server, options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connectTls(
      {
        port: portOf(server),
        host: '127.0.0.1',
        rejectUnauthorized: false,
        ...options,
      },
      () => {
        resolve(socket.getProtocol() ?? 'none')
        socket.destroy()
      },
    )
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
  })
}

async function noneOpen(server: Server): Promise<void> {
  const count = () =>
    new Promise<number>((resolve, reject) =>
      server.getConnections((error, open) => (error ? reject(error) : resolve(open))),
    )
  for (const since = Date.now(); (await count()) > 0; ) {
    if (Date.now() - since > 5_000) throw new Error(`${await count()} connections are open`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const strangeHellos: [string, string | Buffer][] = [
  ['plain HTTP', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'],
  ['SSH', 'SSH-2.0-OpenSSH_9.6\r\n'],
  ['zeros', Buffer.alloc(500)],
  ['ones', Buffer.alloc(20_000, 0xff)],
  ['a truncated hello', Buffer.from('160301020001', 'hex')],
  [
    'a record that claims more than there may be',
    Buffer.from('1603 01ffff 01'.replace(/ /g, ''), 'hex'),
  ],
  ['SSLv2', Buffer.from('802e0100020015000000100100800200', 'hex')],
  ['nothing', ''],
]

describe('80: what is not TLS', () => {
  test.each(strangeHellos)('%s gets no HTTP answer, and is no event', async (_, hello) => {
    world.events.length = 0
    const answer = await answerTo(world.https, hello)
    expect(answer.toString('latin1')).not.toContain('HTTP/1.1')
    expect(world.events).toEqual([])
    await noneOpen(world.https)
  })

  test('1,000 times over leaves no connection, and the next client is served', async () => {
    for (let round = 0; round < 1_000; round += 20) {
      const together = Array.from({ length: 20 }, (_, index) => {
        const [, hello] = strangeHellos[(round + index) % strangeHellos.length] ?? []
        return answerTo(world.https, hello ?? '')
      })
      await Promise.all(together)
    }
    await noneOpen(world.https)
    expect((await world.token(world.a)).status).toBe(200)
  })

  test.each<[string, ConnectionOptions]>([
    ['a name that is not ours', { servername: 'elsewhere.example' }],
    ['a name of 255 characters', { servername: `${'a.'.repeat(127)}a` }],
    ['no name', { servername: '' }],
  ])('an odd SNI changes nothing: %s', async (_, options) => {
    expect(await handshake(world.https, options)).toBe('TLSv1.3')
  })

  test('an ALPN without HTTP/1.1 is refused, never another protocol than ours (RFC 7301)', async () => {
    expect(await handshake(world.https, { ALPNProtocols: ['h2', 'http/1.1'] })).toBe('TLSv1.3')
    expect(await handshake(world.https, { ALPNProtocols: ['h2', 'ftp'] })).toMatch(
      /ALPN|PROTOCOL|ECONNRESET/,
    )
  })
})

describe('81: TLS before 1.2', () => {
  const old = ['TLSv1', 'TLSv1.1'] as const
  const weakest = { ciphers: 'DEFAULT@SECLEVEL=0', minVersion: 'TLSv1' } as const

  test.each(old)('%s is spoken by this client, where a server lets it', async (maxVersion) => {
    const server = await open({}, { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' })
    try {
      expect(await handshake(server, { ...weakest, maxVersion })).toBe(maxVersion)
    } finally {
      server.close()
    }
  })

  test.each(old)('%s is refused', async (maxVersion) => {
    expect(await handshake(world.https, { ...weakest, maxVersion })).not.toMatch(/^TLSv/)
  })

  test.each(old)('%s is refused where 1.2 is let in', async (maxVersion) => {
    const server = await open({ minTlsVersion: 'TLSv1.2' })
    try {
      expect(await handshake(server, { ...weakest, maxVersion })).not.toMatch(/^TLSv/)
      expect(await handshake(server, { maxVersion: 'TLSv1.2' })).toBe('TLSv1.2')
    } finally {
      server.close()
    }
  })
})

describe('82: silence', () => {
  const silent: [string, Buffer][] = [
    ['from the first byte', Buffer.alloc(0)],
    ['after half a hello', Buffer.from('160301020001', 'hex')],
  ]

  test.each(silent)('%s is closed within the handshake timeout', async (_, hello) => {
    const server = await open({}, { handshakeTimeout: 300 })
    const failures: string[] = []
    server.on('tlsClientError', (error: NodeJS.ErrnoException) => failures.push(error.code ?? ''))
    try {
      const since = performance.now()
      await answerTo(server, hello, false)
      expect(performance.now() - since).toBeLessThan(3_000)
      expect(failures).toEqual(['ERR_TLS_HANDSHAKE_TIMEOUT'])
    } finally {
      server.close()
    }
  })

  test('is given 10 seconds before a handshake and 15 for a request, not Node’s 120 and 300', async () => {
    const trust = await openTrust()
    expect(serverOptions(express(), { trust })).toMatchObject({
      handshakeTimeout: 10_000,
      headersTimeout: 10_000,
      requestTimeout: 15_000,
    })
    // Node looks for slow ones only this often.
    expect(serverOptions(express(), { trust }).connectionsCheckingInterval).toBeLessThanOrEqual(
      2_000,
    )
  })
})

/** A server by `serverOptions` alone, as an app would make it. */
async function open(
  settings: { minTlsVersion?: 'TLSv1.2' },
  more: ServerOptions = {},
): Promise<Server> {
  const app = express()
  const { cert, key } = world.certificates.server
  const options = serverOptions(app, { trust: await openTrust(), ...settings })
  const server = createServer({ cert, key, ...options, ...more }, app)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
