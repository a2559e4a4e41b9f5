import { X509Certificate } from 'node:crypto'
import { parseThumbprint, thumbprintOf } from '../../../lib/certificate/thumbprint'
import { inTemporaryFolder, openssl, testCertificates } from '../../support/certificates'

test('is the SHA-256 of the whole DER, as openssl computes it', async () => {
  const { clientA } = await testCertificates()
  const printed = await inTemporaryFolder(async (dir) => {
    const { writeFile } = await import('node:fs/promises')
    await writeFile(`${dir}/a.pem`, clientA.pem)
    return openssl(['x509', '-in', 'a.pem', '-noout', '-fingerprint', '-sha256'], dir)
  })
  const hex = printed.trim().split('=')[1] ?? ''
  expect(parseThumbprint(hex)).toBe(thumbprintOf(clientA.der))
})

test('reads x5t#S256 and hex, in any case, with and without colons', async () => {
  const { clientA } = await testCertificates()
  const { fingerprint256 } = new X509Certificate(clientA.der)
  const plain = fingerprint256.replaceAll(':', '')
  for (const text of [clientA.thumbprint, fingerprint256, plain, plain.toLowerCase()]) {
    expect(parseThumbprint(text)).toBe(clientA.thumbprint)
  }
})

test.each([
  ['nothing', ''],
  ['a SHA-1 fingerprint', 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709'],
  ['one character too few', 'A'.repeat(42)],
  ['one character too many', 'A'.repeat(44)],
  ['base64 in place of base64url', `${'A'.repeat(42)}+`],
  ['a second spelling of the same digest', `${'A'.repeat(42)}B`],
  ['colons in the wrong places', `0:${'00:'.repeat(31)}0`],
  ['white space around it', ` ${'a'.repeat(64)}`],
  ['a line feed after it', `${'a'.repeat(64)}\n`],
])('does not take %s for a thumbprint', (_, text) => {
  expect(parseThumbprint(text)).toBeUndefined()
})
