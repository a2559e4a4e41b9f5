import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { forgetCertificates, parsedCertificates } from '../../../lib/certificate/certificate'
import { makePresented, presentedBehind, presentedByTls } from '../../../lib/certificate/presented'
import { fromTlsConnection } from '../../../lib/certificate/source'
import { type TestCertificates, testCertificates } from '../../support/certificates'
import { withHandshake } from '../../support/handshake'

let cast: TestCertificates
beforeAll(async () => {
  cast = await testCertificates()
})

const versions = ['TLSv1.3', 'TLSv1.2'] as const

describe.each(versions)('over %s', (version) => {
  const serverOptions = { minVersion: version, maxVersion: version }

  test('is the certificate of the connection, trusted or not', async () => {
    for (const client of [cast.clientA, cast.selfSignedB, cast.expired, cast.rsa1024]) {
      await withHandshake({ server: cast.server, client, serverOptions }, ({ atServer }) => {
        const presented = presentedByTls(atServer)
        expect(presented?.thumbprint).toBe(client.thumbprint)
        expect(presented?.der).toEqual(client.der)
        expect(presented?.source).toBe('tls')
      })
    }
  })

  test('is nothing without a certificate', async () => {
    await withHandshake({ server: cast.server, serverOptions }, ({ atServer }) => {
      expect(presentedByTls(atServer)).toBeUndefined()
      expect(presentedByTls(atServer)).toBeUndefined()
    })
  })

  test('is nothing when a session that was made without a certificate is resumed (nodejs/node #35317)', async () => {
    const ticket = await sessionOf({
      server: cast.server,
      serverOptions: { ...serverOptions, ...ticketKeys },
    })
    const resumed = { ...serverOptions, ...ticketKeys }
    await withHandshake(
      { server: cast.server, serverOptions: resumed, clientOptions: { session: ticket } },
      ({ atServer }) => {
        expect(atServer.isSessionReused()).toBe(true)
        expect(presentedByTls(atServer)).toBeUndefined()
      },
    )
  })

  test('is the certificate of the first handshake when a session is resumed, without its chain', async () => {
    const serverSide = { ...serverOptions, ...ticketKeys }
    const shake = {
      server: cast.server,
      client: cast.intermediateClient,
      chain: [cast.intermediate],
      serverOptions: serverSide,
    }
    const ticket = await sessionOf(shake)
    await withHandshake({ ...shake, clientOptions: { session: ticket } }, ({ atServer }) => {
      expect(atServer.isSessionReused()).toBe(true)
      const presented = presentedByTls(atServer)
      expect(presented?.thumbprint).toBe(cast.intermediateClient.thumbprint)
      expect(presented?.chain()).toEqual([])
    })
  })

  test('comes with the intermediate certificates that were sent, and no more', async () => {
    await withHandshake(
      {
        server: cast.server,
        client: cast.intermediateClient,
        chain: [cast.intermediate, cast.ca],
        serverOptions,
      },
      ({ atServer }) => {
        const chain = presentedByTls(atServer)?.chain()
        expect(chain).toEqual([cast.intermediate.der, cast.ca.der])
        expect(presentedByTls(atServer)?.chain()).toBe(chain)
      },
    )
    await withHandshake(
      { server: cast.server, client: cast.selfSignedA, serverOptions },
      ({ atServer }) => {
        expect(presentedByTls(atServer)?.chain()).toEqual([])
      },
    )
  })

  test('is parsed once on a connection, and read once from the socket', async () => {
    await withHandshake(
      { server: cast.server, client: cast.clientA, serverOptions },
      ({ atServer }) => {
        forgetCertificates()
        const before = parsedCertificates()
        const readings = countReadings(atServer)
        const first = presentedByTls(atServer)
        for (let request = 0; request < 5; request++) {
          expect(presentedByTls(atServer)).toBe(first)
          expect(presentedByTls(atServer)?.certificate().subject).toBe('CN=client-a')
          expect(presentedByTls(atServer)?.facts.subject).toBe('CN=client-a')
        }
        expect(parsedCertificates()).toBe(before + 1)
        expect(readings.count).toBe(1)
      },
    )
  })

  test('never asks the socket whether it is authorized', async () => {
    await withHandshake(
      { server: cast.server, client: cast.clientA, serverOptions },
      ({ atServer }) => {
        for (const name of ['authorized', 'authorizationError']) {
          Object.defineProperty(atServer, name, {
            get() {
              throw new Error(`${name} was read`)
            },
          })
        }
        expect(presentedByTls(atServer)?.thumbprint).toBe(cast.clientA.thumbprint)
        expect(presentedByTls(atServer)?.chain()).toBeDefined()
      },
    )
  })

  test('is nothing, and not remembered as nothing, once the connection is gone', async () => {
    await withHandshake(
      { server: cast.server, client: cast.clientA, serverOptions },
      async ({ atServer }) => {
        atServer.destroy()
        await once(atServer, 'close')
        expect(presentedByTls(atServer)).toBeUndefined()
      },
    )
  })
})

test('a renegotiation after the first look ends the connection (TLS 1.2)', async () => {
  const serverOptions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
  await withHandshake(
    { server: cast.server, client: cast.clientA, serverOptions },
    async ({ atServer, atClient }) => {
      expect(presentedByTls(atServer)?.thumbprint).toBe(cast.clientA.thumbprint)
      const closed = new Promise((resolve) => atServer.once('close', resolve))
      for (const end of [atServer, atClient]) end.resume()
      atClient.renegotiate({ rejectUnauthorized: false }, () => undefined)
      await closed
    },
  )
})

test('is nothing on a connection without TLS', async () => {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const accepted = once(listener, 'connection')
  const { port } = listener.address() as { port: number }
  const client = connect(port, '127.0.0.1')
  const [socket] = (await accepted) as [Socket]
  expect(presentedByTls(socket)).toBeUndefined()
  const reading = fromTlsConnection().read({ socket, headers: {}, rawHeaders: [] })
  expect(reading).toEqual({ presented: undefined, unread: undefined, address: '127.0.0.1' })
  client.destroy()
  listener.close()
})

test('headers say nothing to a source that reads the TLS connection', async () => {
  await withHandshake({ server: cast.server }, ({ atServer }) => {
    const headers = { 'client-cert': `:${cast.clientA.der.toString('base64')}:` }
    const reading = fromTlsConnection().read({
      socket: atServer,
      headers,
      rawHeaders: Object.entries(headers).flat(),
    })
    expect(reading).toEqual({ presented: undefined, unread: undefined, address: '127.0.0.1' })
  })
})

describe('the view for plugins', () => {
  test('can’t be changed, nor change what is judged', () => {
    const presented = makePresented(Buffer.from(cast.clientA.der), 'tls')
    const { facts } = presented
    expect(() => Object.assign(facts, { thumbprint: 'x' })).toThrow(TypeError)
    facts.der.fill(0)
    expect(facts.der).toEqual(cast.clientA.der)
    expect(presented.der).toEqual(cast.clientA.der)
    expect(facts).toMatchObject({
      thumbprint: cast.clientA.thumbprint,
      subject: 'CN=client-a',
      source: 'tls',
    })
  })

  test('leads back to the certificate, a look-alike leads nowhere', () => {
    const presented = makePresented(cast.clientA.der, 'tls')
    expect(presentedBehind(presented.facts)).toBe(presented)
    expect(presentedBehind({ ...presented.facts })).toBeUndefined()
    expect(presentedBehind(Object.create(presented.facts))).toBeUndefined()
    expect(presentedBehind(undefined)).toBeUndefined()
  })

  test('has an empty subject, and does not throw, for what is not a certificate', () => {
    const presented = makePresented(Buffer.from('3003020101', 'hex'), 'proxy')
    expect(presented.facts.subject).toBe('')
    expect(() => presented.certificate()).toThrow()
  })
})

const ticketKeys = { ticketKeys: Buffer.alloc(48, 7) }

function countReadings(socket: TLSSocket): { count: number } {
  const readings = { count: 0 }
  const read = socket.getPeerCertificate.bind(socket)
  socket.getPeerCertificate = ((detailed: boolean) => {
    readings.count++
    return read(detailed)
  }) as typeof socket.getPeerCertificate
  return readings
}

/** The session of a finished handshake, for resumption. */
function sessionOf(shake: Parameters<typeof withHandshake>[0]): Promise<Buffer> {
  return withHandshake(shake, ({ atServer, atClient, session }) => {
    atServer.write('x')
    atClient.resume()
    return session
  })
}
