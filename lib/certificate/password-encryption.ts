import { createDecipheriv, pbkdf2Sync } from 'node:crypto'
import { type Der, DerError, fieldsOf, readCount, readOid, tags } from './der'
import { bmpPassword, derivedFor, derivePkcs12 } from './pkcs12-derivation'
import { pkcs12Ids } from './pkcs12-ids'
import { decryptRc2 } from './rc2'

/**
 * Undoes the encryption of a PKCS#12 store: PBES2 (RFC 8018) as tools write it today, and the older
 * schemes of RFC 7292 appendix C. Throws for another scheme, and when the password is wrong.
 */
export function decryptWithPassword(algorithm: Der, encrypted: Buffer, password: string): Buffer {
  const fields = fieldsOf(algorithm)
  const id = readOid(fields.next())
  const parameters = fieldsOf(fields.next())
  if (id === pkcs12Ids.pbes2) {
    const derivation = parameters.next()
    const scheme = parameters.next()
    return decryptPbes2(derivation, scheme, encrypted, password)
  }
  const old = oldSchemes.get(id)
  if (old === undefined) throw new DerError('an encryption that is not supported')
  const salt = parameters.next(tags.octetString).content
  const rounds = readRounds(parameters.next())
  const derive = (purpose: number, length: number) =>
    derivePkcs12(bmpPassword(password), salt, rounds, purpose, length, 'sha1')
  const key = derive(derivedFor.key, old.keyLength)
  const iv = derive(derivedFor.iv, 8)
  if (old.cipher === 'rc2') return decryptRc2(key, old.keyLength * 8, iv, encrypted)
  // Triple DES with two keys uses the first one again.
  return decipher(old.cipher, Buffer.concat([key, key.subarray(0, 24 - key.length)]), iv, encrypted)
}

/** Ten times what anybody uses: a store must not be able to keep the server from starting. */
export function readRounds(element: Der): number {
  const rounds = readCount(element)
  if (rounds < 1 || rounds > 1_000_000) throw new DerError('a number of rounds out of range')
  return rounds
}

const oldSchemes = new Map<string, { cipher: 'des-ede3-cbc' | 'rc2'; keyLength: number }>([
  ['1.2.840.113549.1.12.1.3', { cipher: 'des-ede3-cbc', keyLength: 24 }],
  ['1.2.840.113549.1.12.1.4', { cipher: 'des-ede3-cbc', keyLength: 16 }],
  ['1.2.840.113549.1.12.1.5', { cipher: 'rc2', keyLength: 16 }],
  ['1.2.840.113549.1.12.1.6', { cipher: 'rc2', keyLength: 5 }],
])

const ciphers = new Map([
  ['2.16.840.1.101.3.4.1.2', { cipher: 'aes-128-cbc', keyLength: 16 }],
  ['2.16.840.1.101.3.4.1.22', { cipher: 'aes-192-cbc', keyLength: 24 }],
  [pkcs12Ids.aes256Cbc, { cipher: 'aes-256-cbc', keyLength: 32 }],
  ['1.2.840.113549.3.7', { cipher: 'des-ede3-cbc', keyLength: 24 }],
])

const hmacs = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  ['1.2.840.113549.2.8', 'sha224'],
  [pkcs12Ids.hmacSha256, 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
])

function decryptPbes2(derivation: Der, scheme: Der, encrypted: Buffer, password: string): Buffer {
  const { salt, rounds, hash } = readPbkdf2(derivation)
  const fields = fieldsOf(scheme)
  const known = ciphers.get(readOid(fields.next()))
  if (known === undefined) throw new DerError('a cipher that is not supported')
  const iv = fields.next(tags.octetString).content
  const key = pbkdf2Sync(password, salt, rounds, known.keyLength, hash)
  return decipher(known.cipher, key, iv, encrypted)
}

/** RFC 8018 appendix A.2. */
function readPbkdf2(derivation: Der) {
  const fields = fieldsOf(derivation)
  if (readOid(fields.next()) !== pkcs12Ids.pbkdf2) throw new DerError('not PBKDF2')
  const parameters = fieldsOf(fields.next())
  const salt = parameters.next(tags.octetString).content
  const rounds = readRounds(parameters.next())
  parameters.optional(tags.integer)
  const prf = parameters.optional(tags.sequence)
  const hash = prf === undefined ? 'sha1' : hmacs.get(readOid(fieldsOf(prf).next()))
  if (hash === undefined) throw new DerError('a derivation that is not supported')
  return { salt, rounds, hash }
}

function decipher(cipher: string, key: Buffer, iv: Buffer, encrypted: Buffer): Buffer {
  const open = createDecipheriv(cipher, key, iv)
  return Buffer.concat([open.update(encrypted), open.final()])
}
