import { createHash, timingSafeEqual } from 'node:crypto'
import { DerError, fieldsOf, readDer, readOid, tags } from './der'
import { WrongPassword } from './pkcs12-reader'

/** What a Java key store of the old kind holds. */
export interface JksContent {
  readonly trusted: readonly { readonly alias: string; readonly der: Buffer }[]
  readonly keys: readonly JksKey[]
}

export interface JksKey {
  readonly alias: string
  /** The key's own certificate first. */
  readonly chain: readonly Buffer[]
  readonly encrypted: Buffer
}

/** 0xfeedfeed at the beginning, and 0xcececece for the kind with other encryption (JCEKS). */
export const jksMagic = 0xfeedfeed
export const jceksMagic = 0xcececece

/**
 * Reads a JKS file after checking its digest, which takes the password. The format is that of the
 * JDK's `sun.security.provider.JavaKeyStore`. Throws `WrongPassword`, or `DerError` when it is damaged.
 */
export function readJks(bytes: Buffer, password: string): JksContent {
  const body = bytes.subarray(0, -digestLength)
  const found = sha1(javaPassword(password), Buffer.from('Mighty Aphrodite'), body)
  const wanted = bytes.subarray(-digestLength)
  if (wanted.length !== found.length || !timingSafeEqual(found, wanted)) throw new WrongPassword()

  const cursor = new Cursor(body)
  const version = [cursor.number(), cursor.number()][1]
  if (version !== 1 && version !== 2) throw new DerError('another version of JKS')
  const trusted: { alias: string; der: Buffer }[] = []
  const keys: JksKey[] = []
  for (let left = cursor.number(); left > 0; left--) {
    const kind = cursor.number()
    const alias = cursor.text()
    cursor.bytes(8)
    if (kind === 2) trusted.push({ alias, der: readCertificate(cursor, version) })
    else if (kind === 1) keys.push({ alias, ...readKey(cursor, version) })
    else throw new DerError('an entry of another kind')
  }
  cursor.end()
  return { trusted, keys }
}

/** The PKCS#8 of a key, by the JDK's `KeyProtector`. Throws `WrongPassword`. */
export function decryptJksKey(encrypted: Buffer, password: string): Buffer {
  const fields = fieldsOf(readDer(encrypted))
  if (readOid(fieldsOf(fields.next()).next()) !== keyProtector) {
    throw new DerError('a key encrypted in another way')
  }
  const bytes = fields.next(tags.octetString).content
  const secret = javaPassword(password)
  let pad = bytes.subarray(0, digestLength)
  const key = Buffer.from(bytes.subarray(digestLength, -digestLength))
  for (let start = 0; start < key.length; start += digestLength) {
    pad = sha1(secret, pad)
    for (let at = 0; at < digestLength && start + at < key.length; at++) {
      key.writeUInt8(key.readUInt8(start + at) ^ pad.readUInt8(at), start + at)
    }
  }
  const check = bytes.subarray(-digestLength)
  if (check.length !== digestLength || !timingSafeEqual(sha1(secret, key), check)) {
    throw new WrongPassword()
  }
  return key
}

const digestLength = 20
const keyProtector = '1.3.6.1.4.1.42.2.17.1.1'

function sha1(...parts: Buffer[]): Buffer {
  const hash = createHash('sha1')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

function javaPassword(password: string): Buffer {
  return Buffer.from(password, 'utf16le').swap16()
}

function readCertificate(cursor: Cursor, version: number): Buffer {
  if (version === 2 && cursor.text() !== 'X.509')
    throw new DerError('a certificate of another kind')
  return cursor.bytes(cursor.number())
}

function readKey(cursor: Cursor, version: number) {
  const encrypted = cursor.bytes(cursor.number())
  const chain: Buffer[] = []
  for (let left = cursor.number(); left > 0; left--) chain.push(readCertificate(cursor, version))
  return { encrypted, chain }
}

/** Reads Java's `DataOutputStream`, never beyond the end. */
class Cursor {
  #at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  bytes(length: number): Buffer {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    if (bytes.length !== length) throw new DerError('cut short')
    this.#at += length
    return bytes
  }

  number(): number {
    return this.bytes(4).readUInt32BE()
  }

  text(): string {
    return this.bytes(this.bytes(2).readUInt16BE()).toString()
  }

  end(): void {
    if (this.#at < this.#bytes.length) throw new DerError('bytes after the end')
  }
}
