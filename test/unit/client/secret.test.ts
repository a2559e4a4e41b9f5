import { decoyDigest, digestSecret, newSecret, sameDigest } from '../../../lib/client/secret'

test('makes secrets of 256 bits, never the same twice', () => {
  const secrets = Array.from({ length: 100 }, newSecret)
  expect(new Set(secrets).size).toBe(100)
  for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
})

test('stores the SHA-256 of a secret', () => {
  expect(digestSecret('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
})

test('takes digests for the same only when every character is', () => {
  const digest = digestSecret('abc')
  expect(sameDigest(digest, digestSecret('abc'))).toBe(true)
  for (let i = 0; i < digest.length; i++) {
    const other = `${digest.slice(0, i)}${digest[i] === 'x' ? 'y' : 'x'}${digest.slice(i + 1)}`
    expect(sameDigest(digest, other)).toBe(false)
  }
})

test('refuses digests of another length instead of throwing', () => {
  expect(sameDigest('abc', 'abcd')).toBe(false)
  expect(sameDigest('', digestSecret(''))).toBe(false)
})

test('nobody has the secret of the decoy', () => {
  expect(decoyDigest).toHaveLength(43)
  expect(sameDigest(decoyDigest, digestSecret(''))).toBe(false)
})
