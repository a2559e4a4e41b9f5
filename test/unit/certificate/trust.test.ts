import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { readCrl } from '../../../lib/certificate/crl'
import { openTrust } from '../../../lib/certificate/trust'
import { SetupError } from '../../../lib/error/setup-error'
import {
  openssl,
  opensslLeaf,
  type TestCertificate,
  type TestCertificates,
  testCertificate,
  testCertificates,
} from '../../support/certificates'
import { cpuTime } from '../../support/cpu-time'
import { opensslCrl } from '../../support/revocation'

let cast: TestCertificates
let dir: string
let file_name: string
beforeAll(async () => {
  cast = await testCertificates()
})
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtls-secret-'))
  file_name = join(dir, 'trust.pem')
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const write = (...certificates: TestCertificate[]) =>
  writeFile(file_name, certificates.map(({ pem }) => pem).join('\n'))
const subjects = (certificates: readonly { subject: string }[]) =>
  certificates.map(({ subject }) => subject)
const none: ReadonlySet<string> = new Set()

async function opened(registered = none) {
  const trust = await openTrust({ file_name })
  trust.setRegistered(registered)
  return trust
}

async function refusal(opening: Promise<unknown>): Promise<SetupError> {
  const error = await opening.then(
    () => new Error('was not refused'),
    (error: unknown) => error,
  )
  if (error instanceof SetupError) return error
  throw error
}

test('without a truststore nobody is believed by a chain', async () => {
  const trust = await openTrust()
  trust.setRegistered(none)
  expect(trust.anchors).toEqual([])
  await trust.reload()
  expect(trust.anchors).toEqual([])
})

test('gives OpenSSL neither an anchor nor, by leaving the list out, Node’s own roots', async () => {
  await write(cast.ca)
  for (const trust of [await openTrust(), await opened()]) {
    expect(trust.tlsOptions()).toEqual({ ca: [] })
  }
})

test('no CA’s name is sent to callers: Java, Go and browsers would hide a certificate of their own', async () => {
  await write(cast.ca)
  const trust = await opened()
  const server = createServer({
    cert: cast.server.pem,
    key: cast.server.key,
    requestCert: true,
    rejectUnauthorized: false,
    ...trust.tlsOptions(),
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const printed = await openssl(['s_client', '-connect', `127.0.0.1:${port}`], dir)
  expect(printed).toContain('No client certificate CA names sent')
  server.close()
})

test('takes the CAs of the file, and says what it does not take and why', async () => {
  await write(cast.ca, cast.clientA, cast.intermediate, cast.ca)
  const trust = await opened()
  expect(subjects(trust.anchors)).toEqual(['CN=Test CA'])
  expect(subjects(trust.set.authorities.intermediates)).toEqual(['CN=Intermediate CA'])
  expect(trust.refused).toEqual([
    {
      what: `CN=client-a (${cast.clientA.thumbprint})`,
      why: 'It is not a CA (CA:TRUE is missing).',
    },
  ])
  expect(trust.set.entries.has(cast.clientA.thumbprint)).toBe(true)
})

test('has no anchors before it knows which certificates are registered for clients', async () => {
  await write(cast.ca)
  const trust = await openTrust({ file_name })
  expect(trust.anchors).toEqual([])
  trust.setRegistered(none)
  expect(trust.anchors).toHaveLength(1)
})

test('what is registered for a client is no anchor, and becomes one when it is removed', async () => {
  await write(cast.ca, cast.otherCa)
  const trust = await opened(new Set([cast.ca.thumbprint]))
  expect(subjects(trust.anchors)).toEqual(['CN=Other CA'])
  expect(trust.refused[0]?.why).toMatch(/registered for a client/)
  await trust.reload()
  expect(subjects(trust.anchors)).toEqual(['CN=Other CA'])
  trust.setRegistered(none)
  expect(subjects(trust.anchors)).toEqual(['CN=Test CA', 'CN=Other CA'])
})

test('the epoch moves when the set changes, and not for registrations that leave it as it is', async () => {
  await write(cast.ca)
  const trust = await opened()
  const changes: number[] = []
  const stop = trust.onChange(() => changes.push(trust.epoch))
  const first = trust.epoch
  trust.setRegistered(new Set([cast.clientA.thumbprint]))
  expect(trust.epoch).toBe(first)
  trust.setRegistered(new Set([cast.ca.thumbprint]))
  expect(trust.epoch).toBe(first + 1)
  await trust.reload()
  expect(changes).toEqual([first + 1, first + 2])
  stop()
  await trust.reload()
  expect(changes).toHaveLength(2)
})

test('a reload swaps the set whole', async () => {
  await write(cast.ca)
  const trust = await opened()
  const before = trust.set
  await write(cast.otherCa)
  await trust.reload()
  expect(subjects(trust.anchors)).toEqual(['CN=Other CA'])
  expect(subjects(before.authorities.anchors)).toEqual(['CN=Test CA'])
})

describe('a file that is no truststore is refused at the start, and leaves the old set on reload:', () => {
  const broken: [string, () => Promise<void>][] = [
    ['empty', () => writeFile(file_name, '')],
    ['white space', () => writeFile(file_name, ' \n\n')],
    ['garbage', () => writeFile(file_name, 'garbage')],
    ['binary garbage', () => writeFile(file_name, Buffer.alloc(5000, 0xa5))],
    [
      'a second PEM that is cut short',
      () => writeFile(file_name, cast.ca.pem + cast.otherCa.pem.slice(0, 200)),
    ],
    [
      'a first PEM that is cut short',
      () => writeFile(file_name, cast.ca.pem.slice(0, 200) + cast.otherCa.pem),
    ],
    ['a private key in it', () => writeFile(file_name, cast.ca.pem + cast.ca.key)],
    [
      'certificates that are none',
      () =>
        writeFile(file_name, '-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n'),
    ],
    ['10 MB', () => writeFile(file_name, Buffer.alloc(10_000_000, 0x20))],
    ['deep ASN.1', () => writeFile(file_name, Buffer.alloc(100_000, Buffer.from([0x30, 0x80])))],
    [
      '257 CAs',
      () =>
        write(
          ...Array.from({ length: 257 }, (_, n) => testCertificate({ name: `CA ${n}`, ca: true })),
        ),
    ],
    ['no file', () => rm(file_name, { force: true })],
    [
      'a folder',
      async () => {
        await rm(file_name, { force: true })
        await mkdir(file_name)
      },
    ],
  ]

  test.each(broken)('%s', async (_, breakIt) => {
    await write(cast.ca)
    const trust = await opened()
    const { set } = trust
    await breakIt()
    const start = cpuTime()
    for (const error of [await refusal(openTrust({ file_name })), await refusal(trust.reload())]) {
      expect(error.message).toContain(file_name)
      expect(error.fix).not.toBe('')
    }
    expect(cpuTime() - start).toBeLessThan(2000)
    expect(trust.set).toBe(set)
  })
})

test('one entry that is no certificate refuses the whole PEM, and is told by its line', async () => {
  await write(cast.ca)
  const trust = await opened()
  const { set } = trust
  // Clean PEM and clean base64 around bytes that are no certificate.
  const garbled = cast.otherCa.pem.replace(/(CERTIFICATE-----\n).{40}/, `$1${'A'.repeat(40)}`)
  await writeFile(
    file_name,
    `\uFEFF# our CAs\r\n\r\n${cast.ca.pem}\n${garbled}${cast.intermediate.pem}`,
  )
  const line = cast.ca.pem.split('\n').length + 3
  for (const error of [await refusal(openTrust({ file_name })), await refusal(trust.reload())]) {
    expect(error.problem).toBe(
      `${file_name} holds no well-formed X.509 certificate in the block that begins in line ${line}.`,
    )
  }
  expect(trust.set).toBe(set)
})

test('256 CAs are loaded within a second', async () => {
  await write(
    ...Array.from({ length: 256 }, (_, n) => testCertificate({ name: `CA ${n}`, ca: true })),
  )
  const start = cpuTime()
  const trust = await opened()
  expect(trust.anchors).toHaveLength(256)
  expect(cpuTime() - start).toBeLessThan(1000)
})

test('the newest reading wins, whichever ends last', async () => {
  await write(cast.ca)
  const trust = await opened()
  // The first may meet the file while it is written; then it is refused, which is as good.
  const slower = trust.reload().catch(() => undefined)
  await write(cast.otherCa)
  await Promise.all([slower, trust.reload()])
  expect(subjects(trust.anchors)).toEqual(['CN=Other CA'])
})

test('a reading that was overtaken is not brought into force any more', async () => {
  await write(cast.ca)
  const trust = await opened()
  const overtaken = await trust.prepareReload()
  await write(cast.otherCa)
  await trust.reload()
  overtaken()
  expect(subjects(trust.anchors)).toEqual(['CN=Other CA'])
})

test('a broken reload does not stop the next one', async () => {
  await write(cast.ca)
  const trust = await opened()
  await writeFile(file_name, '')
  await refusal(trust.reload())
  await write(cast.otherCa)
  await trust.reload()
  expect(subjects(trust.anchors)).toEqual(['CN=Other CA'])
})

test('refuses an option that it does not know', async () => {
  const misspelt = { file_name, crl_polcy: 'required' }
  expect((await refusal(openTrust(misspelt))).message).toMatch(/"crl_polcy" is not an option/)
})

test('reads the password from a file or the environment, and names what is missing', async () => {
  await write(cast.ca)
  const password_file = join(dir, 'password')
  expect((await refusal(openTrust({ file_name, password_file }))).message).toContain(password_file)
  const password_env = 'MTLS_SECRET_TEST_UNSET'
  expect((await refusal(openTrust({ file_name, password_env }))).message).toContain(password_env)
})

describe('CRLs', () => {
  let mute: TestCertificate
  beforeAll(async () => {
    const extensions = 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign'
    mute = await opensslLeaf(cast.ca, {
      newkey: ['-newkey', 'ed25519'],
      subject: '/CN=Mute',
      extensions,
    })
  })
  const crlFile = () => join(dir, 'ca.crl')
  const withCrl = () => openTrust({ file_name, crl_file_names: [crlFile()] })

  test.each(['pem', 'der'] as const)('are read as %s', async (format) => {
    await write(cast.ca)
    await writeFile(crlFile(), await opensslCrl(cast.ca, { revoked: [cast.clientA], format }))
    const trust = await withCrl()
    expect(trust.crls.map(({ issuer, revoked }) => [issuer, revoked.size])).toEqual([
      ['CN=Test CA', 1],
    ])
  })

  test('a CRL with 100,000 entries is read within a second', async () => {
    const revoked = await opensslCrl(cast.ca, { serials: 100_000, format: 'der' })
    const start = cpuTime()
    expect(readCrl(revoked).revoked.size).toBe(100_000)
    expect(cpuTime() - start).toBeLessThan(1000)
  })

  test.each<[string, () => Promise<Buffer | string>]>([
    ['of a CA that is not in the store', () => opensslCrl(cast.otherCa, {})],
    ['of a CA that may not make any', () => opensslCrl(mute, {})],
    [
      'of a CA with the same name and another key',
      () => opensslCrl(testCertificate({ name: 'Test CA', ca: true }), {}),
    ],
    ['that is empty', async () => ''],
    ['that is cut short', async () => (await opensslCrl(cast.ca, {})).toString().slice(0, 200)],
    [
      'that was changed',
      async () => {
        const der = await opensslCrl(cast.ca, { format: 'der' })
        der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1)
        return der
      },
    ],
    ['that is a certificate', async () => cast.ca.pem],
    [
      'for a part of the certificates',
      () =>
        opensslCrl(cast.ca, {
          extensions: 'issuingDistributionPoint=critical,@idp\n[idp]\nonlyuser=TRUE',
        }),
    ],
  ])('one %s is refused', async (_, make) => {
    await write(cast.ca, mute)
    await writeFile(crlFile(), await make())
    expect((await refusal(withCrl())).message).toContain(crlFile())
  })

  test('a CA whose required CRL is missing is told', async () => {
    await write(cast.ca)
    const trust = await openTrust({ file_name, crl_policy: 'required' })
    trust.setRegistered(none)
    expect(trust.warnings(Date.now()).map(({ reason }) => reason)).toEqual(['crl_missing'])
  })

  test('a CRL and an anchor that end soon are told beforehand', async () => {
    const short = testCertificate({ name: 'Short CA', ca: true, days: 20 })
    await write(cast.ca, short)
    await writeFile(crlFile(), await opensslCrl(cast.ca, { hours: 24 }))
    const trust = await withCrl()
    trust.setRegistered(none)
    const hour = 3_600_000
    const reasons = (now: number) =>
      trust.warnings(now).map(({ reason, what }) => `${reason} ${what}`)
    const now = Date.now()
    expect(reasons(now)).toEqual(['anchor_ending CN=Short CA'])
    expect(reasons(now + 20 * hour)).toEqual(['crl_ending CN=Test CA', 'anchor_ending CN=Short CA'])
    expect(reasons(now + 25 * hour)).toEqual([
      'crl_expired CN=Test CA',
      'anchor_ending CN=Short CA',
    ])
    expect(reasons(now + 21 * 24 * hour)).toContain('anchor_expired CN=Short CA')
  })
})
