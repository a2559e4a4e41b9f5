import { createPublicKey, X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readCertificate } from '../../../lib/certificate/certificate'
import { makeCertificate } from '../../../lib/certificate/make'
import {
  inTemporaryFolder,
  openssl,
  opensslSeedCertificate,
  type TestCertificate,
  testCertificate,
  testCertificates,
} from '../../support/certificates'

const now = Date.now()

/** What OpenSSL says to a certificate under a CA, for a purpose. */
function verify(
  leaf: TestCertificate,
  ca: TestCertificate,
  purpose: string,
  strict = ['-x509_strict'],
): Promise<string> {
  return inTemporaryFolder(async (dir) => {
    await writeFile(join(dir, 'leaf.pem'), leaf.pem)
    await writeFile(join(dir, 'ca.pem'), ca.pem)
    return openssl(['verify', ...strict, '-purpose', purpose, '-CAfile', 'ca.pem', 'leaf.pem'], dir)
  })
}

test('OpenSSL finds nothing wrong with what we make, as strictly as it can', async () => {
  const { ca, clientA, server, intermediate } = await testCertificates()
  expect(await verify(clientA, ca, 'sslclient')).toContain('OK')
  expect(await verify(server, ca, 'sslserver')).toContain('OK')
  expect(await verify(intermediate, ca, 'any')).toContain('OK')
  await expect(verify(clientA, ca, 'sslserver')).rejects.toThrow(/unsuitable certificate purpose/)
  await expect(verify(server, ca, 'sslclient')).rejects.toThrow(/unsuitable certificate purpose/)
})

test('a client’s certificate is no CA, and its key signs nothing but handshakes', async () => {
  const { clientA, selfSignedA } = await testCertificates()
  for (const { der, thumbprint } of [clientA, selfSignedA]) {
    const { isCa, keyUsage, purposes, key } = readCertificate(der, thumbprint)
    expect({ isCa, keyUsage: [...(keyUsage ?? [])], purposes, curve: key.curve }).toEqual({
      isCa: false,
      keyUsage: ['digitalSignature'],
      purposes: ['1.3.6.1.5.5.7.3.2'],
      curve: 'P-256',
    })
  }
})

test('a server’s certificate bears its name, localhost and the loopback addresses', () => {
  const theirs = new X509Certificate(testCertificate({ name: 'id.example', server: true }).der)
  for (const name of ['id.example', 'localhost']) expect(theirs.checkHost(name)).toBe(name)
  for (const ip of ['127.0.0.1', '::1']) expect(theirs.checkIP(ip)).toBe(ip)
  expect(theirs.checkHost('other.example')).toBeUndefined()
  const byIp = new X509Certificate(testCertificate({ name: '192.0.2.7', server: true }).der)
  expect(byIp.checkIP('192.0.2.7')).toBe('192.0.2.7')
})

test('names an OCSP responder and other names where it is told to', () => {
  const { der, thumbprint } = testCertificate({
    name: 'x',
    dnsNames: ['a.example'],
    ips: ['::ffff:1.2.3.4'],
    uris: ['urn:x'],
    emails: ['a@b.example'],
    ocspUrl: 'http://127.0.0.1:1/',
  })
  const facts = readCertificate(der, thumbprint)
  expect(facts.ocspUrls).toEqual(['http://127.0.0.1:1/'])
  expect(facts.alternativeNames).toEqual([
    { kind: 'dns', value: 'a.example' },
    { kind: 'ip', value: Buffer.from('00000000000000000000ffff01020304', 'hex') },
    { kind: 'uri', value: 'urn:x' },
    { kind: 'email', value: 'a@b.example' },
  ])
})

test('counts days from now, a minute early for slow clocks', () => {
  const { der, thumbprint } = testCertificate({ name: 'x', days: 10, now })
  const { notBefore, notAfter } = readCertificate(der, thumbprint)
  const second = Math.floor(now / 1000) * 1000
  expect([notBefore, notAfter]).toEqual([second - 60_000, second + 10 * 86_400_000])
})

test('no two certificates share a serial number, all positive and long', () => {
  const serials = Array.from({ length: 50 }, () => {
    const { der, thumbprint } = testCertificate({ name: 'same' })
    return readCertificate(der, thumbprint).serial
  })
  expect(new Set(serials).size).toBe(50)
  for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/)
})

test('the key belongs to the certificate and is PKCS#8', async () => {
  const { clientA } = await testCertificates()
  expect(clientA.key).toMatch(/^-----BEGIN PRIVATE KEY-----/)
  expect(new X509Certificate(clientA.der).publicKey.equals(createPublicKey(clientA.key))).toBe(true)
})

test('signs with the page’s own RSA certificate, which is a CA', async () => {
  await inTemporaryFolder(async (dir) => {
    const seed = await opensslSeedCertificate(dir)
    const leaf = testCertificate({ name: 'below the seed', issuer: seed })
    expect(await verify(leaf, seed, 'sslclient', [])).toContain('OK')
  })
})

test('refuses an issuer that is no CA, another’s key, an encrypted key', async () => {
  const { clientA, clientB, ca } = await testCertificates()
  const by = (certificatePem: string, keyPem: string) => () =>
    makeCertificate({ name: 'x', issuer: { certificatePem, keyPem }, now })
  expect(by(clientA.pem, clientA.key)).toThrow(/not a CA/)
  expect(by(ca.pem, clientB.key)).toThrow(/does not belong/)
  const encrypted =
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----'
  expect(by(ca.pem, encrypted)).toThrow(/can’t be read/)
})

test.each(['', '   ', 'a\nb', 'a\0', 'x'.repeat(65)])('refuses the name %j', (name) => {
  expect(() => makeCertificate({ name, now })).toThrow(/1 to 64 printable characters/)
})

test('refuses an IP address that is none', () => {
  expect(() => makeCertificate({ name: 'x', ips: ['fe80::1%eth0'], now })).toThrow(/IP address/)
})
