import { DerError, tags } from './der'

/** Writes what `der.ts` reads: each function gives the bytes of one element. */
export function element(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(content.length)]), content])
}

export const sequence = (...fields: Buffer[]): Buffer => element(tags.sequence, ...fields)
export const octetString = (bytes: Buffer): Buffer => element(tags.octetString, bytes)
export const utf8String = (text: string): Buffer => element(tags.utf8String, Buffer.from(text))
export const nothing = (): Buffer => element(tags.null)
export const truth = (): Buffer => element(tags.boolean, Buffer.from([0xff]))

/** A SET OF: DER wants its members sorted (X.690 section 11.6). */
export const setOf = (...members: Buffer[]): Buffer =>
  element(tags.set, ...members.sort(Buffer.compare))

/** A number, or big-endian bytes that are never negative. */
export function integer(value: number | Buffer): Buffer {
  const bytes = typeof value === 'number' ? numberBytes(value) : value
  const start = bytes.findIndex((byte) => byte !== 0)
  const digits = start === -1 ? Buffer.from([0]) : bytes.subarray(start)
  const sign = digits.readUInt8(0) >= 0x80 ? [Buffer.from([0])] : []
  return element(tags.integer, ...sign, digits)
}

export const bitString = (bytes: Buffer, unused = 0): Buffer =>
  element(tags.bitString, Buffer.from([unused]), bytes)

export function oid(text: string): Buffer {
  const [root = 0, second = 0, ...rest] = text.split('.').map(Number)
  const arcs = [root * 40 + second, ...rest]
  if (arcs.some((arc) => !Number.isSafeInteger(arc))) throw new DerError('not an object identifier')
  return element(tags.oid, Buffer.from(arcs.flatMap(base128)))
}

/** UTCTime until 2049, GeneralizedTime after it (RFC 5280 section 4.1.2.5). */
export function time(milliseconds: number): Buffer {
  const text = new Date(milliseconds).toISOString().replace(/\.\d+|[-:T]/g, '')
  const year = Number(text.slice(0, 4))
  return year >= 1950 && year < 2050
    ? element(tags.utcTime, Buffer.from(text.slice(2)))
    : element(tags.generalizedTime, Buffer.from(text))
}

function lengthBytes(length: number): Buffer | number[] {
  if (length < 0x80) return [length]
  const bytes = numberBytes(length)
  return [0x80 | bytes.length, ...bytes]
}

function numberBytes(value: number): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
}

function base128(arc: number): number[] {
  const digits = [arc % 128]
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128))
    digits.unshift(0x80 | (rest % 128))
  return digits
}
