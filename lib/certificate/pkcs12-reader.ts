import { createHmac, timingSafeEqual } from 'node:crypto'
import {
  childrenOf,
  constructed,
  type Der,
  DerError,
  expectTag,
  fieldsOf,
  primitive,
  readCount,
  readDer,
  readOid,
  tags,
} from './der'
import { readText } from './name'
import { decryptWithPassword, readRounds } from './password-encryption'
import { bmpPassword, derivedFor, derivePkcs12 } from './pkcs12-derivation'
import { pkcs12Ids as ids } from './pkcs12-ids'

/** What a PKCS#12 file (RFC 7292) holds: certificates and keys, each with what ties them together. */
export interface Pkcs12Content {
  readonly certificates: readonly (Bag & { readonly der: Buffer })[]
  /** A key is decrypted when it is asked for; that may throw as reading does. */
  readonly keys: readonly (Bag & { pkcs8(): Buffer })[]
}

export interface Bag {
  /** The alias; undefined where none was given. */
  readonly name: string | undefined
  /** The same for a key and its own certificate, in hex. */
  readonly localKeyId: string | undefined
}

export class WrongPassword extends Error {
  override readonly name = 'WrongPassword'
}

/**
 * Reads a PKCS#12 file after checking its MAC. Throws `WrongPassword`, or `DerError` for what is
 * damaged or of a kind that is not supported.
 */
export function readPkcs12(bytes: Buffer, password: string): Pkcs12Content {
  const pfx = fieldsOf(readDer(bytes))
  if (readCount(pfx.next()) !== 3) throw new DerError('not PKCS#12 version 3')
  const { id, content } = readContentInfo(pfx.next())
  if (id !== ids.data) throw new DerError('signed by a certificate, which is not supported')
  const safes = readDer(content, tags.octetString).content
  const mac = pfx.optional(tags.sequence)
  pfx.end()
  if (mac !== undefined) checkMac(mac, safes, password)
  const bags = childrenOf(readDer(safes, tags.sequence)).flatMap((safe) => readSafe(safe, password))
  return {
    certificates: bags.flatMap(readCertificateBag),
    keys: bags.flatMap((bag) => readKeyBag(bag, password)),
  }
}

interface RawBag extends Bag {
  readonly id: string
  readonly value: Der
}

function readContentInfo(element: Der): { id: string; content: Buffer } {
  const fields = fieldsOf(element)
  const id = readOid(fields.next())
  const { content } = fields.next(constructed(0))
  fields.end()
  return { id, content }
}

function checkMac(mac: Der, content: Buffer, password: string): void {
  const fields = fieldsOf(mac)
  const info = fieldsOf(fields.next())
  const hash = digests.get(readOid(fieldsOf(info.next()).next()))
  const wanted = info.next(tags.octetString).content
  const salt = fields.next(tags.octetString).content
  const roundsField = fields.optional(tags.integer)
  const rounds = roundsField === undefined ? 1 : readRounds(roundsField)
  if (hash === undefined) throw new DerError('a MAC that is not supported')
  // No password is written as an empty one by some tools and as none at all by others.
  const spellings = password === '' ? [bmpPassword(''), Buffer.alloc(0)] : [bmpPassword(password)]
  const fits = spellings.some((spelling) => {
    const key = derivePkcs12(spelling, salt, rounds, derivedFor.mac, wanted.length, hash)
    const found = createHmac(hash, key).update(content).digest()
    return found.length === wanted.length && timingSafeEqual(found, wanted)
  })
  if (!fits) throw new WrongPassword()
}

const digests = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.4', 'sha224'],
  [ids.sha256, 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])

function readSafe(safe: Der, password: string): RawBag[] {
  const { id, content } = readContentInfo(safe)
  const contents =
    id === ids.data
      ? readDer(content, tags.octetString).content
      : id === ids.encryptedData
        ? decryptSafe(readDer(content, tags.sequence), password)
        : undefined
  if (contents === undefined) throw new DerError('a part that is not supported')
  return childrenOf(readDer(contents, tags.sequence)).map(readBag)
}

function decryptSafe(data: Der, password: string): Buffer {
  const fields = fieldsOf(data)
  fields.next(tags.integer)
  const info = fieldsOf(fields.next())
  if (readOid(info.next()) !== ids.data) throw new DerError('not encrypted data')
  const algorithm = info.next()
  return decrypt(algorithm, info.next(primitive(0)).content, password)
}

function readBag(bag: Der): RawBag {
  const fields = fieldsOf(bag)
  const id = readOid(fields.next())
  const value = readDer(fields.next(constructed(0)).content)
  const attributes = fields.optional(tags.set)
  fields.end()
  const values = new Map<string, Der>()
  for (const attribute of attributes === undefined ? [] : childrenOf(attributes)) {
    const parts = fieldsOf(attribute)
    const type = readOid(parts.next())
    const [first] = childrenOf(expectTag(parts.next(), tags.set))
    if (first !== undefined) values.set(type, first)
  }
  const name = values.get(ids.friendlyName)
  return {
    id,
    value,
    name: name && readText(name),
    localKeyId: values.get(ids.localKeyId)?.content.toString('hex'),
  }
}

function readCertificateBag({ id, value, name, localKeyId }: RawBag) {
  if (id !== ids.certBag) return []
  const fields = fieldsOf(value)
  if (readOid(fields.next()) !== ids.x509Certificate) return []
  const der = readDer(fields.next(constructed(0)).content, tags.octetString).content
  return [{ name, localKeyId, der }]
}

function readKeyBag({ id, value, name, localKeyId }: RawBag, password: string) {
  if (id === ids.keyBag) return [{ name, localKeyId, pkcs8: () => value.whole }]
  if (id !== ids.shroudedKeyBag) return []
  const fields = fieldsOf(value)
  const algorithm = fields.next()
  const encrypted = fields.next(tags.octetString).content
  return [{ name, localKeyId, pkcs8: () => decrypt(algorithm, encrypted, password) }]
}

/** A wrong password shows as bad padding, where no MAC has told before. */
function decrypt(algorithm: Der, encrypted: Buffer, password: string): Buffer {
  try {
    return decryptWithPassword(algorithm, encrypted, password)
  } catch (cause) {
    if (cause instanceof DerError && cause.message !== 'wrong padding') throw cause
    throw new WrongPassword('', { cause })
  }
}
