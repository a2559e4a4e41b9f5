/**
 * DER (X.690 section 10), as far as X.509 needs it, read strictly: definite and shortest lengths,
 * low tag numbers, nothing left over. What a lenient reader would accept in two ways is refused
 * here, so that two readers of one certificate can't see two different things. Nothing recurses:
 * a reader goes as deep as the structure that it knows, whatever the input says.
 */
export interface Der {
  /** Identifier octet: class, constructed bit and number. */
  readonly tag: number
  readonly content: Buffer
  /** Tag, length and content. */
  readonly whole: Buffer
}

export class DerError extends Error {
  override readonly name = 'DerError'
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** `[n]`, holding other elements. */
export const constructed = (number: number): number => 0xa0 | number
/** `[n]`, holding a value of its own. */
export const primitive = (number: number): number => 0x80 | number

/** The one element that `bytes` hold. Throws `DerError`. */
export function readDer(bytes: Buffer, tag?: number): Der {
  const element = elementAt(bytes, 0)
  if (element.end !== bytes.length) throw new DerError('bytes after the end')
  return tag === undefined ? element : expectTag(element, tag)
}

/** The elements inside a constructed one. */
export function childrenOf(parent: Der): Der[] {
  const children: Der[] = []
  for (let at = 0; at < parent.content.length; ) {
    const child = elementAt(parent.content, at)
    children.push(child)
    at = child.end
  }
  return children
}

/** Walks through the fields of a SEQUENCE, each wanted, optional or the last. */
export function fieldsOf(parent: Der, tag: number = tags.sequence): Fields {
  return new Fields(childrenOf(expectTag(parent, tag)))
}

class Fields {
  #at = 0
  readonly #fields: readonly Der[]

  constructor(fields: readonly Der[]) {
    this.#fields = fields
  }

  /** The next field, which must be there and, where a tag is given, be of that kind. */
  next(tag?: number): Der {
    const field = this.#fields[this.#at++]
    if (field === undefined) throw new DerError('a field is missing')
    return tag === undefined ? field : expectTag(field, tag)
  }

  /** The next field if it is of one of these kinds. */
  optional(...kinds: number[]): Der | undefined {
    const field = this.#fields[this.#at]
    if (field === undefined || !kinds.includes(field.tag)) return undefined
    this.#at++
    return field
  }

  end(): void {
    if (this.#at < this.#fields.length) throw new DerError('a field too many')
  }
}

export function readBoolean(element: Der): boolean {
  const [byte, ...more] = expectTag(element, tags.boolean).content
  // A false that might have been left out is not DER, yet real certificates have it.
  if (more.length > 0 || (byte !== 0 && byte !== 0xff)) throw new DerError('not a boolean')
  return byte === 0xff
}

/** The content of an INTEGER: two's complement, shortest form. */
export function readInteger(element: Der, tag: number = tags.integer): Buffer {
  const { content } = expectTag(element, tag)
  const [first, second] = content
  if (first === undefined) throw new DerError('an empty integer')
  if (
    second !== undefined &&
    ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
  )
    throw new DerError('an integer that is longer than it needs to be')
  return content
}

/** A small number that is not negative. */
export function readCount(element: Der, tag: number = tags.integer): number {
  const content = readInteger(element, tag)
  if (content.length > 4 || content.readUInt8(0) >= 0x80)
    throw new DerError('a number out of range')
  return content.readUIntBE(0, content.length)
}

export function readOid(element: Der, tag: number = tags.oid): string {
  const { content } = expectTag(element, tag)
  const arcs: number[] = []
  let arc = 0
  let open = false
  for (const byte of content) {
    if (!open && byte === 0x80) throw new DerError('an object identifier with padding')
    arc = arc * 128 + (byte & 0x7f)
    if (arc > Number.MAX_SAFE_INTEGER) throw new DerError('an object identifier out of range')
    open = byte >= 0x80
    if (open) continue
    arcs.push(arc)
    arc = 0
  }
  const [first, ...rest] = arcs
  if (first === undefined || open) throw new DerError('an object identifier that is cut short')
  const root = Math.min(Math.floor(first / 40), 2)
  return [root, first - root * 40, ...rest].join('.')
}

/** The bytes of a BIT STRING that has no unused bits: a signature, a public key. */
export function readBytes(element: Der): Buffer {
  const { content } = expectTag(element, tags.bitString)
  if (content.length === 0 || content[0] !== 0) throw new DerError('not a string of whole bytes')
  return content.subarray(1)
}

/** A BIT STRING of named bits; bit 0 is the first (X.680 section 22). */
export function readBits(element: Der): boolean[] {
  const [unused, ...bytes] = expectTag(element, tags.bitString).content
  if (unused === undefined || unused > 7 || (bytes.length === 0 && unused > 0))
    throw new DerError('not a string of bits')
  const bits = bytes.flatMap((byte) =>
    [...byte.toString(2).padStart(8, '0')].map((bit) => bit === '1'),
  )
  return bits.slice(0, bits.length - unused)
}

/** UTCTime or GeneralizedTime in the one form of RFC 5280 section 4.1.2.5, in milliseconds. */
export function readTime(element: Der): number {
  const text = element.content.toString('latin1')
  const [, century, rest] =
    element.tag === tags.utcTime
      ? ['', Number(text.slice(0, 2)) < 50 ? '20' : '19', text]
      : (/^(\d\d)(.*)$/s.exec(text) ?? [])
  if (element.tag !== tags.utcTime && element.tag !== tags.generalizedTime)
    throw new DerError('not a time')
  const parts = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(rest ?? '')
  if (parts === null) throw new DerError('not a time')
  const [, year, month, day, hour, minute, second] = parts
  const iso = `${century}${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const time = Date.parse(iso)
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso) throw new DerError('no such time')
  return time
}

export function expectTag(element: Der, tag: number): Der {
  if (element.tag === tag) return element
  throw new DerError(`tag ${element.tag.toString(16)} in place of ${tag.toString(16)}`)
}

function elementAt(bytes: Buffer, start: number): Element {
  const tag = bytes[start]
  const first = bytes[start + 1]
  if (tag === undefined || first === undefined) throw new DerError('cut short')
  if ((tag & 0x1f) === 0x1f) throw new DerError('a high tag number')
  const header = first < 0x80 ? 2 : 2 + (first & 0x7f)
  const length = first < 0x80 ? first : longLength(bytes, start + 2, first & 0x7f)
  const end = start + header + length
  if (end > bytes.length) throw new DerError('cut short')
  return new Element(tag, bytes.subarray(start + header, end), bytes, start, end)
}

/** `whole` is seldom asked for, and a long CRL has a million elements. */
class Element implements Der {
  readonly tag: number
  readonly content: Buffer
  /** Where it ends in the bytes that it was found in. */
  readonly end: number
  readonly #bytes: Buffer
  readonly #start: number

  constructor(tag: number, content: Buffer, bytes: Buffer, start: number, end: number) {
    this.tag = tag
    this.content = content
    this.end = end
    this.#bytes = bytes
    this.#start = start
  }

  get whole(): Buffer {
    return this.#bytes.subarray(this.#start, this.end)
  }
}

function longLength(bytes: Buffer, at: number, size: number): number {
  if (size === 0 || size > 4 || at + size > bytes.length) throw new DerError('a bad length')
  const length = bytes.readUIntBE(at, size)
  if (length < 0x80 || bytes[at] === 0) throw new DerError('a length that is longer than it needs')
  return length
}
