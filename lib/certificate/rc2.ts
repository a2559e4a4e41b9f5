import { DerError } from './der'

/**
 * RC2 in CBC mode, decryption alone (RFC 2268): what Java before 17 and `openssl pkcs12 -legacy`
 * hide the certificates of a PKCS#12 store with. OpenSSL 3 has it only in its legacy provider, which
 * Node does not load. The cipher is weak; here it guards certificates, which are public.
 */
export function decryptRc2(
  key: Buffer,
  effectiveBits: number,
  iv: Buffer,
  encrypted: Buffer,
): Buffer {
  if (encrypted.length === 0 || encrypted.length % 8 !== 0) throw new DerError('not whole blocks')
  const words = expandKey(key, effectiveBits)
  const plain = Buffer.alloc(encrypted.length)
  let before = iv
  for (let start = 0; start < encrypted.length; start += 8) {
    const block = encrypted.subarray(start, start + 8)
    const decrypted = decryptBlock(words, block)
    for (let at = 0; at < 8; at++) {
      plain.writeUInt8(decrypted.readUInt8(at) ^ before.readUInt8(at), start + at)
    }
    before = block
  }
  return withoutPadding(plain)
}

/** RFC 2268 section 2. */
function expandKey(key: Buffer, effectiveBits: number): Uint16Array {
  const bytes = Buffer.alloc(128)
  key.copy(bytes)
  const at = (index: number) => bytes.readUInt8(index)
  for (let index = key.length; index < 128; index++) {
    bytes.writeUInt8(pi((at(index - 1) + at(index - key.length)) & 0xff), index)
  }
  const effective = Math.ceil(effectiveBits / 8)
  const mask = 0xff >> (8 * effective - effectiveBits)
  bytes.writeUInt8(pi(at(128 - effective) & mask), 128 - effective)
  for (let index = 127 - effective; index >= 0; index--) {
    bytes.writeUInt8(pi(at(index + 1) ^ at(index + effective)), index)
  }
  return Uint16Array.from({ length: 64 }, (_, index) => bytes.readUInt16LE(2 * index))
}

/** RFC 2268 section 4: sixteen mixing rounds backwards, with a mashing round after the 5th and the 11th. */
function decryptBlock(key: Uint16Array, block: Buffer): Buffer {
  const word = [0, 2, 4, 6].map((at) => block.readUInt16LE(at))
  const w = (index: number) => word[(index + 4) % 4] ?? 0
  const k = (index: number) => key[index] ?? 0
  for (let round = 15; round >= 0; round--) {
    for (let index = 3; index >= 0; index--) {
      const shift = [1, 2, 3, 5][index] ?? 0
      const turned = ((w(index) >> shift) | (w(index) << (16 - shift))) & 0xffff
      const mixed = (w(index - 1) & w(index - 2)) + (~w(index - 1) & w(index - 3))
      word[index] = (turned - k(4 * round + index) - mixed) & 0xffff
    }
    if (round !== 11 && round !== 5) continue
    for (let index = 3; index >= 0; index--)
      word[index] = (w(index) - k(w(index - 1) & 63)) & 0xffff
  }
  const plain = Buffer.alloc(8)
  for (const [index, value] of word.entries()) plain.writeUInt16LE(value, 2 * index)
  return plain
}

function withoutPadding(plain: Buffer): Buffer {
  const length = plain.readUInt8(plain.length - 1)
  const padding = plain.subarray(plain.length - length)
  if (length === 0 || length > 8 || padding.some((byte) => byte !== length)) {
    throw new DerError('wrong padding')
  }
  return plain.subarray(0, plain.length - length)
}

const pi = (index: number): number => piTable.readUInt8(index)

/** RFC 2268 section 2, digits of pi. */
const piTable = Buffer.from(
  'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2' +
    '179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82' +
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626' +
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7' +
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec' +
    'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9' +
    '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
  'hex',
)
