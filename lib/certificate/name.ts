import { childrenOf, type Der, DerError, fieldsOf, readDer, readOid, tags } from './der'

/**
 * Distinguished names. They are compared over the parsed DER, RDN by RDN, each RDN as a set
 * (RFC 5280 section 7.1): `O=a+OU=b` is not `O=a,OU=b`, and no display string is ever split.
 * Case folding is ASCII alone, as in OpenSSL: to fold less refuses somebody at worst, to fold more
 * could take two names for one.
 */
export type Name = readonly Rdn[]
export type Rdn = readonly Attribute[]

export interface Attribute {
  /** Object identifier, dotted. */
  readonly type: string
  /** The value as text; undefined when it is not of a string type. */
  readonly text: string | undefined
  /** The value's DER. */
  readonly der: Buffer
}

export function readName(name: Der): Name {
  return childrenOf(name).map((rdn) => {
    if (rdn.tag !== tags.set || rdn.content.length === 0) throw new DerError('not an RDN')
    return childrenOf(rdn).map((attribute) => {
      const fields = fieldsOf(attribute)
      const type = readOid(fields.next())
      const value = fields.next()
      fields.end()
      return { type, text: readText(value), der: value.whole }
    })
  })
}

/** The name as RFC 4514 writes it, the last RDN first. For people; never compared. */
export function formatName(name: Name): string {
  return [...name]
    .reverse()
    .map((rdn) => rdn.map(formatAttribute).join('+'))
    .join(',')
}

/**
 * Reads an RFC 4514 string, in which the order of RDNs is the reverse of the certificate's;
 * undefined when it is not one. Attribute types may be short names in any case or dotted.
 */
export function parseName(text: string): Name | undefined {
  const rdns: Attribute[][] = [[]]
  let rest = text
  while (true) {
    const found = attributePattern.exec(rest)
    const attribute = found?.groups && parseAttribute(found.groups)
    if (!found || attribute === undefined) return undefined
    rdns.at(-1)?.push(attribute)
    rest = rest.slice(found[0].length)
    if (rest === '') return rdns.reverse()
    if (rest[0] === ',') rdns.push([])
    rest = rest.slice(1)
  }
}

/** Equal for two names exactly when they are the same name. */
export function canonicalName(name: Name): string {
  return JSON.stringify(name.map((rdn) => rdn.map(canonicalAttribute).sort()))
}

/** The text of a string type; undefined for any other. Throws `DerError` on bytes that are none. */
export function readText(value: Der): string | undefined {
  const { content } = value
  switch (value.tag) {
    case tags.utf8String:
      return utf8.decode(content)
    case tags.printableString:
    case tags.ia5String:
    case tags.teletexString:
      return content.toString('latin1')
    case tags.bmpString:
      if (content.length % 2 !== 0) throw new DerError('half a character')
      return Buffer.from(content).swap16().toString('utf16le')
    case tags.universalString:
      return readUniversal(content)
    default:
      return undefined
  }
}

function readUniversal(content: Buffer): string {
  if (content.length % 4 !== 0) throw new DerError('a part of a character')
  const points = Array.from({ length: content.length / 4 }, (_, i) => content.readUInt32BE(i * 4))
  if (points.some((point) => point > 0x10ffff)) throw new DerError('no such character')
  return String.fromCodePoint(...points)
}

const utf8 = {
  decode(bytes: Buffer): string {
    const text = bytes.toString('utf8')
    if (!Buffer.from(text).equals(bytes)) throw new DerError('not UTF-8')
    return text
  },
}

function canonicalAttribute({ type, text, der }: Attribute): string {
  if (text === undefined) return JSON.stringify([type, 'der', der.toString('hex')])
  return JSON.stringify([type, 'text', foldedTypes.has(type) ? fold(text) : text])
}

/** caseIgnoreMatch as far as ASCII goes: case, and runs of white space. */
function fold(text: string): string {
  return text
    .replace(/[\t\n\v\f\r ]+/g, ' ')
    .replace(/^ | $/g, '')
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

function formatAttribute({ type, text, der }: Attribute): string {
  const name = nameOf.get(type) ?? type
  return text === undefined ? `${name}=#${der.toString('hex')}` : `${name}=${escapeValue(text)}`
}

/** RFC 4514 section 2.4; control characters in hex, so that a name can't forge a line of a log. */
function escapeValue(text: string): string {
  return text
    .replace(/[\\",+;<>]/g, '\\$&')
    .replace(/^[ #]| $/g, '\\$&')
    .replace(unprintable, (character) =>
      [...Buffer.from(character)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join(''),
    )
}

const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

function parseAttribute({ type = '', hex, value }: Record<string, string | undefined>) {
  const oid = /^[0-9]/.test(type) ? type : typeOf.get(type.toLowerCase())
  if (oid === undefined) return undefined
  if (hex === undefined) {
    const text = unescapeValue(value ?? '')
    return text === undefined ? undefined : { type: oid, text, der: Buffer.alloc(0) }
  }
  try {
    const der = readDer(Buffer.from(hex, 'hex'))
    return { type: oid, text: readText(der), der: der.whole }
  } catch {
    return undefined
  }
}

function unescapeValue(value: string): string | undefined {
  const bytes = Buffer.concat(
    [...value.matchAll(/\\([0-9a-fA-F]{2})|\\(.)|([^\\]+)/gsu)].map(([, hex, special, plain]) =>
      hex === undefined ? Buffer.from(special ?? plain ?? '') : Buffer.from(hex, 'hex'),
    ),
  )
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes) ? text : undefined
}

/** One `type=value` with the spaces around it that RFC 2253 still allowed. */
const attributePattern =
  /^ *(?<type>[A-Za-z][A-Za-z0-9-]*|(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+) *= *(?:#(?<hex>(?:[0-9a-fA-F]{2})+) *|(?<value>(?:(?:\\[0-9a-fA-F]{2}|\\[ "#+,;<=>\\]|[^ "+,;<>\\\0#])(?:(?:\\[0-9a-fA-F]{2}|\\[ "#+,;<=>\\]|[^"+,;<>\\\0])*(?:\\[0-9a-fA-F]{2}|\\[ "#+,;<=>\\]|[^ "+,;<>\\\0]))?)?) *)(?=[,+]|$)/u

/** RFC 4514 section 3, and what else occurs in certificates. All of them ignore case. */
const shortNames: readonly (readonly [string, string])[] = [
  ['CN', '2.5.4.3'],
  ['SN', '2.5.4.4'],
  ['serialNumber', '2.5.4.5'],
  ['C', '2.5.4.6'],
  ['L', '2.5.4.7'],
  ['ST', '2.5.4.8'],
  ['STREET', '2.5.4.9'],
  ['O', '2.5.4.10'],
  ['OU', '2.5.4.11'],
  ['title', '2.5.4.12'],
  ['postalCode', '2.5.4.17'],
  ['GN', '2.5.4.42'],
  ['organizationIdentifier', '2.5.4.97'],
  ['DC', '0.9.2342.19200300.100.1.25'],
  ['UID', '0.9.2342.19200300.100.1.1'],
  ['emailAddress', '1.2.840.113549.1.9.1'],
]
const nameOf = new Map(shortNames.map(([name, type]) => [type, name]))
const typeOf = new Map(shortNames.map(([name, type]) => [name.toLowerCase(), type]))
const foldedTypes: ReadonlySet<string> = new Set(nameOf.keys())
