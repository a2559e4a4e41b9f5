import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseCertificate, readPem } from '../../../lib/certificate/parse'
import { SetupError } from '../../../lib/error/setup-error'
import {
  inTemporaryFolder,
  openssl,
  opensslSeedCertificate,
  type TestCertificates,
  testCertificates,
} from '../../support/certificates'
import { cpuTime } from '../../support/cpu-time'

let cast: TestCertificates
beforeAll(async () => {
  cast = await testCertificates()
})

function refusal(input: Buffer | string): SetupError {
  try {
    parseCertificate(input, 'client.pem')
  } catch (error) {
    if (error instanceof SetupError) return error
    throw error
  }
  throw new Error('was not refused')
}

test('reads PEM and DER alike', () => {
  const { clientA } = cast
  expect(parseCertificate(clientA.pem, 'x').thumbprint).toBe(clientA.thumbprint)
  expect(parseCertificate(Buffer.from(clientA.pem), 'x').thumbprint).toBe(clientA.thumbprint)
  expect(parseCertificate(clientA.der, 'x').thumbprint).toBe(clientA.thumbprint)
})

test('reads what the page makes, with CRLF, a byte order mark and what openssl writes around it', async () => {
  await inTemporaryFolder(async (dir) => {
    const seed = await opensslSeedCertificate(dir)
    expect(parseCertificate(seed.pem, 'x')).toMatchObject({
      thumbprint: seed.thumbprint,
      isCa: true,
      purposes: undefined,
      subject: 'O=Internet Widgits Pty Ltd,ST=Some-State,C=AU',
      key: { type: 'rsa', bits: 2048 },
      signatureHash: 'sha256',
    })
    const bag = 'pkcs12 -in serverkeystore.p12 -nokeys -passin pass:changeit'.split(' ')
    const texts = [
      seed.pem.replaceAll('\n', '\r\n'),
      `\uFEFF\n  \n${seed.pem}\n\n`,
      await openssl(bag, dir),
      await openssl(['x509', '-in', 'cert.pem', '-text'], dir),
    ]
    for (const text of texts) {
      expect(parseCertificate(text, 'x').thumbprint).toBe(seed.thumbprint)
    }
  })
})

test('reads every certificate of a PEM text, in order', () => {
  const { clientA, ca } = cast
  expect(readPem(`# chain\n${clientA.pem}\n${ca.pem}`, 'x')).toEqual([clientA.der, ca.der])
})

test('refuses a private key and never repeats it', () => {
  const { clientA, clientB } = cast
  const body = clientA.key.split('\n')[1] ?? ''
  for (const text of [clientA.key, clientA.pem + clientA.key, clientA.key + clientB.pem]) {
    const error = refusal(text)
    expect(error.message).toMatch(/^client\.pem holds a private key/)
    expect(JSON.stringify(error) + error.stack).not.toContain(body)
  }
})

test('refuses an encrypted private key and one of an older kind', () => {
  for (const kind of ['ENCRYPTED ', 'RSA ', 'EC ']) {
    const pem = `-----BEGIN ${kind}PRIVATE KEY-----\nAAAA\n-----END ${kind}PRIVATE KEY-----\n`
    expect(refusal(pem).message).toMatch(/private key/)
  }
})

test('refuses what OpenSSL can’t read, since it could never be shown', () => {
  // "Test CA" as a string of a type that is none.
  const place = cast.clientA.der.indexOf(Buffer.from('\x0c\x07Test CA', 'latin1'))
  const odd = Buffer.from(cast.clientA.der)
  odd.writeUInt8(0x10, place)
  expect(refusal(odd).message).toMatch(/well-formed/)
})

test('refuses two certificates where one is wanted', () => {
  expect(refusal(cast.clientA.pem + cast.clientB.pem).problem).toMatch(/2 certificates/)
})

describe('refuses, with a sentence that names the file,', () => {
  const cut = (pem: string, from: number, to?: number) => pem.split('\n').slice(from, to).join('\n')
  test.each<[string, (pem: string, der: Buffer) => string | Buffer]>([
    ['nothing', () => ''],
    ['white space', () => ' \n\t\n'],
    ['prose', () => 'hello, here is my certificate'],
    ['a PEM block without its end', (pem) => cut(pem, 0, -2)],
    ['a PEM block without its beginning', (pem) => cut(pem, 1)],
    ['a second block that is cut short', (pem) => `${pem}${cut(pem, 0, -3)}\n`],
    ['a second block that lost its lines', (pem) => pem + cut(pem, 2, -2)],
    ['two blocks of which the first is cut short', (pem) => `${cut(pem, 0, -2)}\n${pem}`],
    ['another kind of block', (pem) => pem.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST')],
    [
      'a trusted certificate of openssl',
      (pem) => pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'),
    ],
    ['an empty block', () => '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'],
    ['a changed character in the base64', (pem) => pem.replace(/\n(M)/, '\n*')],
    ['a lost character in the base64', (pem) => pem.replace(/\nM/, '\n')],
    ['a lost line', (pem) => pem.split('\n').toSpliced(3, 1).join('\n')],
    ['base64 without a block', (_, der) => der.toString('base64')],
    ['DER that is cut short', (_, der) => der.subarray(0, -1)],
    ['DER with a byte behind it', (_, der) => Buffer.concat([der, Buffer.from([0])])],
    ['two DERs in a row', (_, der) => Buffer.concat([der, der])],
    ['a public key', () => '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
    ['UTF-16', (pem) => Buffer.from(pem, 'utf16le')],
  ])('%s', (_, change) => {
    const error = refusal(change(cast.clientA.pem, cast.clientA.der))
    expect(error.message).toMatch(/^client\.pem /)
    expect(error.fix).not.toBe('')
    expect(error.message).not.toContain(cast.clientA.pem.split('\n')[1])
  })
})

test('refuses a PKCS12 store and a megabyte of anything within a second', async () => {
  await inTemporaryFolder(async (dir) => {
    await opensslSeedCertificate(dir)
    await writeFile(join(dir, 'big'), '')
    const { readFile } = await import('node:fs/promises')
    const inputs = [
      await readFile(join(dir, 'serverkeystore.p12')),
      Buffer.alloc(1_000_000, 0x30),
      '-----BEGIN CERTIFICATE-----\n'.repeat(30_000),
      `-----BEGIN CERTIFICATE-----\n${'A'.repeat(1_000_000)}\n-----END CERTIFICATE-----`,
      ' '.repeat(1_000_000),
      '\n'.repeat(1_000_000),
    ]
    for (const input of inputs) {
      const start = cpuTime()
      refusal(input)
      expect(cpuTime() - start).toBeLessThan(1000)
    }
  })
})
