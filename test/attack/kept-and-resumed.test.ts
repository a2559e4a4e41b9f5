/**
 * security.md, 27 to 31 and section 6: Node's own verdict on a certificate is made once and then carried
 * on, by the connection and by its tickets. Ours is made for each request, so that what ended since is
 * out, on a connection that stays open and on one that is resumed, over each version of TLS.
 */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, createServer, request, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { openTrust, serverOptions } from '../../lib'
import { type TestCertificate, testCertificate, testCertificates } from '../support/certificates'
import { opensslCrl } from '../support/revocation'
import { openWorld, type World } from '../support/world'

const versions = ['TLSv1.3', 'TLSv1.2'] as const
type Version = (typeof versions)[number]

let directory: string
let world: World
let listener: Server
let ca: TestCertificate
let otherCa: TestCertificate
const file = (name: string) => join(directory, name)

beforeEach(async () => {
  ;({ ca, otherCa } = await testCertificates())
  directory = await mkdtemp(join(tmpdir(), 'kept-'))
  await writeFile(file('trust.pem'), ca.pem)
  await writeFile(file('crl.pem'), await opensslCrl(ca, {}))
  const trust = await openTrust({ file_name: file('trust.pem'), crl_file_names: [file('crl.pem')] })
  world = await openWorld({
    trust,
    a: { certificate: [], ...named('client-a') },
    b: { certificate: [], ...named('client-b') },
  })
  const { cert, key } = world.certificates.server
  // Its tickets outlive every change of the trust set, which a server of `serve` never lets them.
  listener = createServer(
    {
      cert,
      key,
      ...serverOptions(world.app, { trust, minTlsVersion: 'TLSv1.2', sessionTickets: true }),
      keepAliveTimeout: 60_000,
    },
    world.app,
  )
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
})
afterEach(async () => {
  listener.closeAllConnections()
  listener.close()
  await world.close()
  await rm(directory, { recursive: true })
})

const named = (name: string) => ({
  tls_client_auth_subject_dn: `CN=${name}`,
  tls_client_auth_issuer: ca.thumbprint,
})

interface Told {
  status: number
  reason: unknown
  connection: string | undefined
  isReused: boolean
  socket: TLSSocket
  session: Buffer | undefined
}

interface Way {
  version: Version
  agent?: Agent
  session?: Buffer | undefined
}

/** A token request of `person`, by the certificate that the connection, or the ticket, has. */
async function ask(
  person: World['a'],
  certificate: TestCertificate | undefined,
  { version, agent, session }: Way,
): Promise<Told> {
  world.events.length = 0
  const { client_id, client_secret } = person
  const form = { grant_type: 'client_credentials', client_id, client_secret }
  const req = request({
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    path: '/oauth2/token',
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
    agent: agent ?? false,
    ...(certificate && { cert: certificate.pem, key: certificate.key }),
    ...(session && { session }),
  })
  let latest: Buffer | undefined
  req.once('socket', (socket) => socket.on('session', (ticket: Buffer) => (latest = ticket)))
  req.end(new URLSearchParams(form).toString())
  const [res] = await once(req, 'response')
  const socket = res.socket as TLSSocket
  for await (const _ of res);
  const rejected = world.events.find(({ event }) => event === 'client.rejected')
  return {
    status: res.statusCode,
    reason: rejected?.reason,
    connection: res.headers.connection,
    isReused: socket.isSessionReused(),
    socket,
    session: latest,
  }
}

/** What may become of a certificate while a connection, or a ticket, knows it as a good one. */
const ends: [string, (certificate: TestCertificate) => Promise<void>, string][] = [
  ['it expires', async () => world.clock.advance(366 * 86_400), 'certificate_expired'],
  [
    'its CA is removed',
    async () => {
      await writeFile(file('trust.pem'), otherCa.pem)
      await writeFile(file('crl.pem'), await opensslCrl(otherCa, {}))
      await world.server.trust.reload()
    },
    'certificate_untrusted',
  ],
  [
    'it is revoked',
    async (certificate) => {
      await writeFile(file('crl.pem'), await opensslCrl(ca, { revoked: [certificate] }))
      await world.server.trust.reload()
    },
    'certificate_revoked',
  ],
]

describe.each(versions)('%s', (version) => {
  test.each(ends)(
    'once %s, the next request is refused, kept alive and resumed',
    async (_, end, reason) => {
      const certificate = testCertificate({ name: 'client-a', issuer: ca })
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const kept = await ask(world.a, certificate, { version, agent })
      const fresh = await ask(world.a, certificate, { version })
      const { session } = fresh
      expect([kept.status, fresh.status]).toEqual([200, 200])
      expect(kept.connection).toBe('keep-alive')
      const before = await ask(world.a, undefined, { version, session })
      expect(before).toMatchObject({ status: 200, isReused: true })

      await end(certificate)
      const next = await ask(world.a, certificate, { version, agent })
      expect(next).toMatchObject({ status: 401, reason, connection: 'close' })
      expect(next.socket).toBe(kept.socket)
      const resumed = await ask(world.a, undefined, { version, session })
      expect(resumed).toMatchObject({ status: 401, reason, isReused: true })
      expect(await ask(world.a, certificate, { version })).toMatchObject({ status: 401, reason })
      agent.destroy()
    },
  )

  test('a ticket is whose certificate made it, whatever the resuming client has', async () => {
    const [a, b] = ['client-a', 'client-b'].map((name) => testCertificate({ name, issuer: ca }))
    const { session } = await ask(world.a, a, { version })
    const asB = await ask(world.b, b, { version, session })
    expect(asB).toMatchObject({ status: 401, reason: 'certificate_mismatch', isReused: true })
    expect(await ask(world.a, b, { version, session })).toMatchObject({ status: 200 })
  })

  test('a ticket without certificate stays without one (nodejs/node #35317)', async () => {
    const certificate = testCertificate({ name: 'client-a', issuer: ca })
    const { session } = await ask(world.a, undefined, { version })
    expect(await ask(world.a, certificate, { version, session })).toMatchObject({
      status: 401,
      reason: 'no_certificate_presented',
      isReused: true,
    })
  })
})

test('a certificate with 6,000 names ends its handshake, and nobody else’s', async () => {
  const dnsNames = Array.from({ length: 6_000 }, (_, n) => `host-${n}.example.com`)
  const huge = testCertificate({ name: 'client-a', issuer: ca, dnsNames })
  await expect(ask(world.a, huge, { version: 'TLSv1.3' })).rejects.toThrow()
  const good = testCertificate({ name: 'client-a', issuer: ca })
  expect(await ask(world.a, good, { version: 'TLSv1.3' })).toMatchObject({ status: 200 })
})
