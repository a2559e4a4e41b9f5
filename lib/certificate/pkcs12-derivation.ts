import { createHash } from 'node:crypto'

/** What a derived value is for (RFC 7292 appendix B.3). */
export const derivedFor = { key: 1, iv: 2, mac: 3 } as const

const blockOf: Record<string, number> = {
  sha1: 64,
  sha224: 64,
  sha256: 64,
  sha384: 128,
  sha512: 128,
}

/** PKCS#12's own derivation of keys from passwords, RFC 7292 appendix B.2. */
export function derivePkcs12(
  password: Buffer,
  salt: Buffer,
  rounds: number,
  purpose: number,
  length: number,
  hash: string,
): Buffer {
  const block = blockOf[hash] ?? 64
  const filled = (bytes: Buffer) =>
    Buffer.alloc(bytes.length === 0 ? 0 : block * Math.ceil(bytes.length / block), bytes)
  const input = Buffer.concat([filled(salt), filled(password)])
  const digests: Buffer[] = []
  for (let made = 0; made < length; ) {
    let digest = Buffer.concat([Buffer.alloc(block, purpose), input])
    for (let round = 0; round < rounds; round++) digest = createHash(hash).update(digest).digest()
    digests.push(digest)
    made += digest.length
    addToBlocks(input, Buffer.alloc(block, digest), block)
  }
  return Buffer.concat(digests).subarray(0, length)
}

/** A password as PKCS#12 hashes it: UTF-16, big-endian, with a zero behind it. */
export function bmpPassword(password: string): Buffer {
  return Buffer.from(`${password}\0`, 'utf16le').swap16()
}

/** Each block becomes block + digest + 1, as one long number. */
function addToBlocks(input: Buffer, digest: Buffer, block: number): void {
  for (let start = 0; start < input.length; start += block) {
    let carry = 1
    for (let at = block - 1; at >= 0; at--) {
      carry += input.readUInt8(start + at) + digest.readUInt8(at)
      input.writeUInt8(carry & 0xff, start + at)
      carry >>= 8
    }
  }
}
