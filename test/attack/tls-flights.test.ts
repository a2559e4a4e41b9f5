/** Issue 4, bad input: whatever a first TLS flight holds, the server hangs up or says so in an alert. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import fc from 'fast-check'
import { openWorld, type World } from '../support/world'

const flights = process.env.MTLS_SECRET_FULL === '1' ? 5_000 : 300

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

/** What Node's client really sends first, to a server that does not answer. */
async function recordHello(options: ConnectionOptions = {}): Promise<Buffer> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const arrived = once(listener, 'connection')
  const client = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ...options })
  client.on('error', () => undefined)
  const [socket] = (await arrived) as [Socket]
  const [hello] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  client.destroy()
  listener.close()
  return hello
}

type Mutation = (bytes: Buffer) => Buffer

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const at = (bytes: Buffer, share: number) => Math.floor(share * bytes.length)
const bytes = (maxLength: number) =>
  fc.uint8Array({ minLength: 1, maxLength }).map((array) => Buffer.from(array))

/** Most flaws go into the first 150 bytes, where the lengths and the versions are. */
const spot = fc.oneof(
  place,
  place.map((share) => share / 12),
)

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(spot, fc.nat(255)).map(
    ([share, value]): Mutation =>
      (hello) => {
        const changed = Buffer.from(hello)
        changed[at(hello, share)] = value
        return changed
      },
  ),
  fc.tuple(spot, fc.nat(7)).map(
    ([share, bit]): Mutation =>
      (hello) => {
        const changed = Buffer.from(hello)
        const index = at(hello, share)
        changed[index] = (hello[index] ?? 0) ^ (1 << bit)
        return changed
      },
  ),
  place.map(
    (share): Mutation =>
      (hello) =>
        hello.subarray(0, at(hello, share)),
  ),
  fc.tuple(spot, bytes(64)).map(
    ([share, more]): Mutation =>
      (hello) =>
        Buffer.concat([
          hello.subarray(0, at(hello, share)),
          more,
          hello.subarray(at(hello, share)),
        ]),
  ),
  fc.tuple(spot, place).map(
    ([from, length]): Mutation =>
      (hello) =>
        Buffer.concat([
          hello.subarray(0, at(hello, from)),
          hello.subarray(at(hello, from) + at(hello, length / 4)),
        ]),
  ),
  bytes(64).map(
    (more): Mutation =>
      (hello) =>
        Buffer.concat([hello, more]),
  ),
  bytes(600).map(
    (noise): Mutation =>
      () =>
        noise,
  ),
)

interface Answer {
  received: Buffer
  milliseconds: number
}

/** Everything that comes back; our end is closed at once, as a scanner does it. */
function send(flight: Buffer): Promise<Answer> {
  const { port } = world.https.address() as AddressInfo
  const since = performance.now()
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (data) => chunks.push(data))
    socket.on('error', () => undefined)
    socket.on('close', () =>
      resolve({ received: Buffer.concat(chunks), milliseconds: performance.now() - since }),
    )
    socket.end(flight)
  })
}

const open = () =>
  new Promise<number>((resolve, reject) =>
    world.https.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )

async function noneOpen(): Promise<void> {
  for (const since = Date.now(); (await open()) > 0; ) {
    if (Date.now() - since > 2_000) throw new Error(`${await open()} connections are still open`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** 21 an alert, 22 a handshake, 20 the change of cipher that TLS 1.3 pretends (RFC 8446 section 5). */
const contentTypes = [20, 21, 22, 23]

test(`${flights} mutated first flights: an alert, a handshake or silence, each within a second, and nothing is left`, async () => {
  const hellos = [
    await recordHello(),
    await recordHello({ maxVersion: 'TLSv1.2' }),
    await recordHello({ ALPNProtocols: ['h2', 'http/1.1'], ciphers: 'DEFAULT@SECLEVEL=0' }),
  ]
  const mutated = fc.tuple(
    fc.constantFrom(...hellos),
    fc.array(mutation, { minLength: 1, maxLength: 4 }),
  )
  await fc.assert(
    fc.asyncProperty(mutated, async ([hello, mutations]) => {
      const flight = mutations.reduce((flawed, mutate) => mutate(flawed), hello)
      const { received, milliseconds } = await send(flight)
      expect(milliseconds).toBeLessThan(1_000)
      if (received.length > 0) expect(contentTypes).toContain(received[0])
      expect(received.toString('latin1')).not.toContain('HTTP/1.1 5')
    }),
    { numRuns: flights, endOnFailure: true },
  )
  await noneOpen()
  expect((await world.token(world.a)).status).toBe(200)
  expect(world.events.map(({ event }) => event)).toEqual(['token.issued'])
  await noneOpen()
}, 120_000)

test('the recorded hello itself is answered with a handshake', async () => {
  const { received } = await send(await recordHello())
  expect(received[0]).toBe(22)
  await noneOpen()
})
