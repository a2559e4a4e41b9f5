import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCertificate } from '../../../lib/certificate/certificate'
import { type JudgedClient, judgeCertificate } from '../../../lib/certificate/judge'
import { openResponders } from '../../../lib/certificate/ocsp'
import { ocspRequest } from '../../../lib/certificate/ocsp-message'
import { makePresented } from '../../../lib/certificate/presented'
import { openTrust, type Trust } from '../../../lib/certificate/trust'
import {
  inTemporaryFolder,
  openssl,
  opensslLeaf,
  type TestCertificate,
  testCertificate,
} from '../../support/certificates'
import {
  opensslResponder,
  type Responder,
  type ResponderWish,
  responderAddress,
  writeCa,
} from '../../support/revocation'

type Address = Awaited<ReturnType<typeof responderAddress>>

let address: Address
let ca: TestCertificate
let good: TestCertificate
let revoked: TestCertificate
let unknown: TestCertificate
let dir: string
const responders: Responder[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtls-secret-'))
  address = await responderAddress()
  // An hour old, so that times a little before now can be tried.
  const now = Date.now() - 3_600_000
  ca = testCertificate({ name: 'OCSP CA', ca: true, now })
  const leaf = (name: string) => testCertificate({ name, issuer: ca, ocspUrl: address.url, now })
  ;[good, revoked, unknown] = [leaf('good'), leaf('revoked'), leaf('unknown')]
})
afterEach(async () => {
  for (const responder of responders.splice(0)) await responder.stop()
  Object.assign(address, { port: undefined, answer: undefined, asked: 0 })
})
afterAll(async () => {
  await address.close()
  await rm(dir, { recursive: true, force: true })
})

async function respond(wish: ResponderWish = {}): Promise<void> {
  const responder = await opensslResponder(ca, { good: [good], revoked: [revoked], ...wish })
  responders.push(responder)
  address.port = responder.port
}

async function trustOf(ocsp: 'off' | 'soft' | 'hard', store = [ca]): Promise<Trust> {
  const file_name = join(dir, 'trust.pem')
  await writeFile(file_name, store.map(({ pem }) => pem).join(''))
  const trust = await openTrust({ file_name, ocsp })
  trust.setRegistered(new Set())
  return trust
}

const named = (name: string): JudgedClient => ({
  certificates: [],
  tls_identity: { kind: 'subject_dn', value: `CN=${name}`, issuer: ca.thumbprint },
})
const judge = ({ der }: TestCertificate, client: JudgedClient, trust: Trust, now = Date.now()) =>
  judgeCertificate(makePresented(der, 'tls'), client, trust, now)

test('a real responder’s word counts: good, revoked, unknown', async () => {
  await respond()
  const [soft, hard] = [await trustOf('soft'), await trustOf('hard')]
  expect(await judge(good, named('good'), hard)).toBeUndefined()
  expect(await judge(revoked, named('revoked'), hard)).toBe('certificate_revoked')
  expect(await judge(revoked, named('revoked'), soft)).toBe('certificate_revoked')
  expect(await judge(revoked, { certificates: [revoked], tls_identity: undefined }, soft)).toBe(
    'certificate_revoked',
  )
  expect(await judge(unknown, named('unknown'), hard)).toBe('crl_expired')
  expect(await judge(unknown, named('unknown'), soft)).toBeUndefined()
})

test('nobody is asked while it is off, nor for a certificate that names no responder', async () => {
  await respond()
  expect(judge(revoked, named('revoked'), await trustOf('off'))).toBeUndefined()
  const silent = testCertificate({ name: 'silent', issuer: ca })
  expect(judge(silent, named('silent'), await trustOf('hard'))).toBeUndefined()
  expect(address.asked).toBe(0)
})

test('nobody is asked for a certificate that no CA of ours has signed', async () => {
  await respond()
  const stranger = testCertificate({ name: 'good', ocspUrl: address.url })
  const trust = await trustOf('hard')
  expect(judge(stranger, named('good'), trust)).toBe('certificate_untrusted')
  expect(
    judge(stranger, { certificates: [stranger], tls_identity: undefined }, trust),
  ).toBeUndefined()
  expect(address.asked).toBe(0)
})

test('hard can’t be got around by leaving out the intermediate that leads to the responder', async () => {
  await respond()
  const intermediate = testCertificate({ name: 'Between', ca: true, issuer: ca })
  const leaf = testCertificate({ name: 'x', issuer: intermediate, ocspUrl: address.url })
  const client = { certificates: [leaf], tls_identity: undefined }
  expect(judge(leaf, client, await trustOf('hard'))).toBe('crl_expired')
  expect(judge(leaf, client, await trustOf('soft'))).toBeUndefined()
})

test('an answer is kept: asked once, then judged at once, for ten minutes at most', async () => {
  await respond()
  const trust = await trustOf('hard')
  const now = Date.now()
  await Promise.all([
    judge(good, named('good'), trust, now),
    judge(good, named('good'), trust, now),
  ])
  expect(judge(good, named('good'), trust, now + 599_000)).toBeUndefined()
  expect(address.asked).toBe(1)
  expect(judge(good, named('good'), trust, now + 601_000)).toBeInstanceOf(Promise)
})

test('a new trust set begins with nothing kept', async () => {
  await respond()
  const trust = await trustOf('hard')
  await judge(good, named('good'), trust)
  await trust.reload()
  expect(judge(good, named('good'), trust)).toBeInstanceOf(Promise)
})

test('a reload while a responder is asked means judging again under the new set', async () => {
  await respond()
  const trust = await trustOf('hard')
  const held = new Promise<Socket>((resolve) => {
    address.answer = resolve
  })
  const verdict = judge(good, named('good'), trust)
  const socket = await held
  await writeFile(join(dir, 'trust.pem'), testCertificate({ name: 'Other', ca: true }).pem)
  await trust.reload()
  const on = connect(address.port ?? 0, '127.0.0.1')
  socket.pipe(on).pipe(socket)
  expect(await verdict).toBe('certificate_untrusted')
})

test('a set that keeps changing while a responder is asked is refused in the end', async () => {
  await respond()
  const trust = await trustOf('hard')
  const restless = {
    ...trust,
    get set() {
      return { ...trust.set, responders: openResponders() }
    },
  }
  expect(await judge(good, named('good'), restless)).toBe('trust_epoch')
})

describe('who may answer:', () => {
  const delegate = (extensions: string, issuer = ca) =>
    opensslLeaf(issuer, { newkey: ['-newkey', 'rsa:2048'], subject: '/CN=responder', extensions })

  test('one whom the CA has named for it', async () => {
    await respond({ signer: await delegate('extendedKeyUsage=OCSPSigning') })
    expect(await judge(good, named('good'), await trustOf('hard'))).toBeUndefined()
    expect(await judge(revoked, named('revoked'), await trustOf('hard'))).toBe(
      'certificate_revoked',
    )
  })

  test('nobody else of the CA’s certificates, and nobody whom another CA has named', async () => {
    const other = testCertificate({ name: 'OCSP CA', ca: true })
    for (const signer of [
      await delegate('extendedKeyUsage=clientAuth'),
      await delegate('basicConstraints=CA:FALSE'),
      await delegate('extendedKeyUsage=OCSPSigning', other),
    ]) {
      await respond({ signer })
      expect(await judge(good, named('good'), await trustOf('hard'))).toBe('crl_expired')
      expect(await judge(revoked, named('revoked'), await trustOf('soft'))).toBeUndefined()
    }
  })
})

describe('what is no answer refuses with hard and passes with soft:', () => {
  const http = (socket: Socket, body: Buffer, status = '200 OK') => {
    socket.end(
      Buffer.concat([
        Buffer.from(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n`),
        body,
      ]),
    )
  }
  const answers: [string, (socket: Socket) => void][] = [
    ['a closed connection', (socket) => socket.destroy()],
    ['silence', () => undefined],
    ['headers that never end', (socket) => socket.write('HTTP/1.1 200 OK\r\n')],
    [
      'a body that never ends',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx'),
    ],
    ['garbage', (socket) => socket.end('garbage')],
    ['an empty body', (socket) => http(socket, Buffer.alloc(0))],
    ['garbage in place of DER', (socket) => http(socket, Buffer.alloc(500, 0x30))],
    ['an error of the responder', (socket) => http(socket, Buffer.from('30030a0106', 'hex'))],
    ['another status', (socket) => http(socket, Buffer.from('x'), '500 Oops')],
    [
      'a redirect',
      (socket) =>
        socket.end(
          'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n',
        ),
    ],
    ['a megabyte', (socket) => http(socket, Buffer.alloc(1_000_000, 0x30))],
  ]

  test.each(answers)('%s', async (_, answer) => {
    address.answer = answer
    const start = performance.now()
    expect(
      await Promise.all([
        judge(good, named('good'), await trustOf('hard')),
        judge(good, named('good'), await trustOf('soft')),
      ]),
    ).toEqual(['crl_expired', undefined])
    expect(performance.now() - start).toBeLessThan(4000)
  })

  test('an answer without end is not read to its end', async () => {
    const closed = new Promise<number>((resolve) => {
      address.answer = (socket) => {
        const start = performance.now()
        socket.once('close', () => resolve(performance.now() - start))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
        const more = () => socket.writable && socket.write(Buffer.alloc(20_000), more)
        more()
      }
    })
    expect(await judge(good, named('good'), await trustOf('hard'))).toBe('crl_expired')
    // Long before the time limit.
    expect(await closed).toBeLessThan(1000)
  })

  test('an answer that is over', async () => {
    await respond({ args: ['-nmin', '1'] })
    expect(await judge(good, named('good'), await trustOf('hard'), Date.now() + 120_000)).toBe(
      'crl_expired',
    )
  })

  test('an answer from the future, but for what a clock may be ahead', async () => {
    await respond()
    const ago = (ms: number) => Date.now() - ms
    expect(await judge(good, named('good'), await trustOf('hard'), ago(30_000))).toBeUndefined()
    expect(await judge(good, named('good'), await trustOf('hard'), ago(90_000))).toBe('crl_expired')
  })

  test('a failing responder is left alone for a while, then asked again', async () => {
    const trust = await trustOf('soft')
    const now = Date.now()
    await judge(good, named('good'), trust, now)
    expect(judge(good, named('good'), trust, now + 14_000)).toBeUndefined()
    expect(address.asked).toBe(1)
    expect(judge(good, named('good'), trust, now + 16_000)).toBeInstanceOf(Promise)
  })
})

describe('an answer that was caught', () => {
  /** A responder that signs each request with openssl, and may change what is asked or answered. */
  async function signing(
    change: (asked: Buffer, sign: (request: Buffer) => Promise<Buffer>) => Promise<Buffer>,
    status = 200,
  ) {
    const server = createServer(async (request: IncomingMessage, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      response.writeHead(status).end(await change(Buffer.concat(chunks), sign))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    address.port = (server.address() as AddressInfo).port
    return server
  }
  const sign = (request: Buffer) =>
    inTemporaryFolder(async (folder) => {
      await writeCa(folder, ca, [revoked], '', [good])
      await writeFile(join(folder, 'request'), request)
      const line =
        'ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -reqin request -respout response -nmin 60'
      await openssl(line.split(' '), folder)
      return readFile(join(folder, 'response'))
    })

  test('is no answer to the next question: its nonce is another one', async () => {
    let caught: Buffer | undefined
    const server = await signing(async (asked, signed) => (caught ??= await signed(asked)))
    expect(await judge(good, named('good'), await trustOf('hard'))).toBeUndefined()
    expect(await judge(good, named('good'), await trustOf('hard'))).toBe('crl_expired')
    server.close()
  })

  test('is no answer for another certificate', async () => {
    const facts = ({ der, thumbprint }: TestCertificate) => readCertificate(der, thumbprint)
    const server = await signing((asked, signed) => {
      // The same nonce, asked for the good certificate in place of the revoked one.
      const nonce = asked.subarray(-16)
      return signed(ocspRequest(facts(good), facts(ca), nonce))
    })
    expect(await judge(revoked, named('revoked'), await trustOf('hard'))).toBe('crl_expired')
    expect(await judge(good, named('good'), await trustOf('hard'))).toBeUndefined()
    server.close()
  })

  test('is no answer when it comes with another status than 200', async () => {
    const server = await signing((asked, signed) => signed(asked), 500)
    expect(await judge(good, named('good'), await trustOf('hard'))).toBe('crl_expired')
    server.close()
  })

  test('is no answer when a bit of it is changed', async () => {
    const server = await signing(async (asked, signed) => {
      const response = await signed(asked)
      response.writeUInt8(response.readUInt8(60) ^ 1, 60)
      return response
    })
    expect(await judge(good, named('good'), await trustOf('hard'))).toBe('crl_expired')
    server.close()
  })
})
