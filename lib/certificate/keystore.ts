import { createPrivateKey, type KeyObject } from 'node:crypto'
import { SetupError } from '../error/setup-error'
import type { Certificate } from './certificate'
import { decryptJksKey, jceksMagic, jksMagic, readJks } from './jks'
import { isDer, parseDer, pemLines, readPem } from './parse'
import { toPem } from './pem'
import { type Pkcs12Content, readPkcs12, WrongPassword } from './pkcs12-reader'

/** A certificate of a store, not parsed yet. */
export interface StoreEntry {
  /** The alias, or the place in the file. */
  readonly label: string
  readonly der: Buffer
  /** It belongs to a private key of the store: somebody's own, not somebody to be trusted. */
  readonly isOwn: boolean
  /** Of a PEM text: the line in which its block begins. */
  readonly line?: number | undefined
}

/** A private key with its certificates, as a TLS server needs them. */
export interface KeyEntry {
  /** PEM, the key's own certificate first. */
  readonly cert: string
  /** PKCS#8 PEM, not encrypted. */
  readonly key: string
  readonly certificate: Certificate
}

/**
 * The certificates of a truststore: PEM, DER, JKS or PKCS#12, told apart by the bytes.
 * Throws `SetupError` naming `what`.
 */
export function readTrustEntries(
  bytes: Buffer,
  password: string | undefined,
  what: string,
): StoreEntry[] {
  const entry = (isOwn: boolean) => (der: Buffer, index: number) => ({
    label: `certificate ${index + 1}`,
    der,
    isOwn,
  })
  switch (kindOf(bytes)) {
    case 'jks': {
      const { trusted, keys } = opened(what, password, (secret) => readJks(bytes, secret))
      return [
        ...trusted.map(({ alias, der }) => ({ label: alias, der, isOwn: false })),
        ...keys.flatMap(({ chain }) => chain.slice(0, 1).map(entry(true))),
      ]
    }
    case 'pkcs12': {
      const { certificates, keys } = opened(what, password, (secret) => readPkcs12(bytes, secret))
      const ofKeys = new Set(keys.map(({ localKeyId }) => localKeyId))
      return certificates.map(({ name, der, localKeyId }, index) => ({
        label: name ?? `certificate ${index + 1}`,
        der,
        isOwn: localKeyId !== undefined && ofKeys.has(localKeyId),
      }))
    }
    case 'jceks':
      throw unsupported(what, 'is a JCEKS store')
    case 'der':
      return [parseDer(bytes, what).der].map(entry(false))
    case 'pem': {
      const text = bytes.toString()
      const lines = pemLines(text)
      return readPem(text, what).map((der, index) => ({
        ...entry(false)(der, index),
        line: lines[index],
      }))
    }
  }
}

/**
 * The one private key of a JKS or PKCS#12 store, with its certificates; or of two PEM files, the
 * key's text in `keyPem`. Throws `SetupError` naming `what`, also when the key is another
 * certificate's.
 */
export function readKeyEntry(
  bytes: Buffer,
  password: string | undefined,
  what: string,
  keyPem?: string,
): KeyEntry {
  const { key, ders } = keyAndCertificates(bytes, password, what, keyPem)
  const [certificate] = ders.map((der) => parseDer(der, what))
  if (certificate?.x509.checkPrivateKey(key) !== true) {
    throw new SetupError(
      `The private key does not belong to the first certificate of ${what}.`,
      'Name the key that was made with it, and put the server’s own certificate first.',
    )
  }
  return {
    cert: ders.map((der) => toPem(der)).join(''),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate,
  }
}

/** Whether a file is of a kind that holds the key itself; the key of any other lies in a file of its own. */
export function holdsKey(bytes: Buffer): boolean {
  return !['pem', 'der'].includes(kindOf(bytes))
}

type Kind = 'jks' | 'jceks' | 'pkcs12' | 'der' | 'pem'

function kindOf(bytes: Buffer): Kind {
  const magic = bytes.length >= 4 ? bytes.readUInt32BE() : 0
  if (magic === jksMagic) return 'jks'
  if (magic === jceksMagic) return 'jceks'
  if (!isDer(bytes)) return 'pem'
  // The first thing in a certificate is a SEQUENCE, in a PKCS#12 store the INTEGER of its version.
  const length = bytes[1] ?? 0
  return bytes[length < 0x80 ? 2 : 2 + (length & 0x7f)] === 0x02 ? 'pkcs12' : 'der'
}

function opened<Content>(
  what: string,
  password: string | undefined,
  read: (password: string) => Content,
): Content {
  try {
    return read(password ?? '')
  } catch (cause) {
    if (cause instanceof SetupError) throw cause
    if (!(cause instanceof WrongPassword)) throw unsupported(what, 'is a damaged store', cause)
    throw password === undefined
      ? new SetupError(
          `${what} is closed by a password, and none is given.`,
          'Give password_file or password_env (or password).',
          {},
          cause,
        )
      : new SetupError(
          `The password of ${what} is wrong, or the file is damaged.`,
          'Try it with keytool -list -keystore FILE.',
          {},
          cause,
        )
  }
}

function unsupported(what: string, problem: string, cause?: unknown): SetupError {
  return new SetupError(
    `${what} ${problem}, or of a kind that is not supported.`,
    'Write it anew: keytool -importkeystore -srckeystore OLD -destkeystore NEW -deststoretype pkcs12.',
    {},
    cause,
  )
}

function keyAndCertificates(
  bytes: Buffer,
  password: string | undefined,
  what: string,
  keyPem: string | undefined,
): { key: KeyObject; ders: readonly Buffer[] } {
  const kind = kindOf(bytes)
  if (kind === 'jks') return jksKey(bytes, password, what)
  if (kind === 'pkcs12') {
    return pkcs12Key(
      opened(what, password, (secret) => readPkcs12(bytes, secret)),
      what,
    )
  }
  if (kind === 'jceks') throw unsupported(what, 'is a JCEKS store')
  if (keyPem === undefined) {
    throw new SetupError(
      `The private key of ${what} is missing.`,
      'Name its file in key_file_name.',
    )
  }
  const ders = kind === 'der' ? [bytes] : readPem(bytes.toString(), what)
  return { key: readPrivateKey(keyPem, password, what), ders }
}

function jksKey(bytes: Buffer, password: string | undefined, what: string) {
  return opened(what, password, (secret) => {
    const [entry] = onlyOne(readJks(bytes, secret).keys, what)
    return { key: pkcs8Key(decryptJksKey(entry.encrypted, secret)), ders: entry.chain }
  })
}

function pkcs12Key({ certificates, keys }: Pkcs12Content, what: string) {
  const [{ pkcs8, localKeyId }] = onlyOne(keys, what)
  const isOwn = (bag: { localKeyId: string | undefined }) => bag.localKeyId === localKeyId
  const ders = [...certificates.filter(isOwn), ...certificates.filter((bag) => !isOwn(bag))].map(
    ({ der }) => der,
  )
  return { key: pkcs8Key(pkcs8()), ders }
}

function onlyOne<Entry>(entries: readonly Entry[], what: string): [Entry] {
  const [entry, ...others] = entries
  if (entry !== undefined && others.length === 0) return [entry]
  throw new SetupError(
    `${what} holds ${entries.length} private keys, one is wanted.`,
    'Write a store with the server’s key alone.',
  )
}

function pkcs8Key(pkcs8: Buffer): KeyObject {
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
}

function readPrivateKey(pem: string, password: string | undefined, what: string): KeyObject {
  try {
    return createPrivateKey(password === undefined ? pem : { key: pem, passphrase: password })
  } catch (cause) {
    throw new SetupError(
      `The private key of ${what} can’t be read.`,
      'It must be PEM, with its pass phrase in password_file, password_env or password if it has one.',
      {},
      cause,
    )
  }
}
