/**
 * The certificate and key of the listeners, from `[keystore.tls]`. Everything about them is found out
 * before a listener sees them: OpenSSL accepts a missing key without a word and then fails every
 * handshake.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { resolveSecret } from '../config/secret'
import { SetupError } from '../error/setup-error'
import type { ServeSettings } from './serve-settings'

export interface ServerCertificate {
  /** PEM, the server's own certificate first. */
  readonly cert: string
  /** PEM, PKCS#8, not encrypted: it stays in this process. */
  readonly key: string
  /** Milliseconds since 1970. */
  readonly notAfter: number
}

/** Throws `SetupError` with the line of the setting that is to blame. */
export async function readServerCertificate(settings: ServeSettings): Promise<ServerCertificate> {
  try {
    return await read(settings)
  } catch (cause) {
    if (!(cause instanceof SetupError) || cause.place.file !== undefined) throw cause
    throw cause.at(settings.locate(cause.place.key ?? ['keystore', 'tls']))
  }
}

async function read({ keystore: { tls }, server }: ServeSettings): Promise<ServerCertificate> {
  const make = `Make both: npx mtls-secret cert create --server --name ${server.hostname} --out ${withoutEnding(tls.file_name)}`
  const bytes = await readInput(tls.file_name, 'file_name', make)
  const password = await resolveSecret(tls, ['keystore', 'tls'])
  if (!bytes.includes('-----BEGIN ')) {
    throw new SetupError(`[keystore.tls] ${tls.file_name} is not PEM.`, make, at('file_name'))
  }

  const key_file_name = tls.key_file_name ?? tls.file_name
  const key = readKey(
    await readInput(key_file_name, 'key_file_name', make),
    key_file_name,
    password,
  )
  return checkPair(bytes.toString('utf8'), key, tls.file_name, key_file_name)
}

type Key = 'file_name' | 'key_file_name' | 'password'
const at = (key: Key) => ({ key: ['keystore', 'tls', key] })

async function readInput(file: string, key: Key, make: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    const absent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    throw new SetupError(
      `[keystore.tls] ${key}: ${absent ? 'there is no file' : 'cannot read'} ${file}.`,
      absent ? `${make}` : 'Make it a file that this user may read.',
      at(key),
      cause,
    )
  }
}

function withoutEnding(file: string): string {
  return file.replace(/\.[^./]+$/, '')
}

function readKey(pem: Buffer, file: string, password: string | undefined): KeyObject {
  try {
    return createPrivateKey({
      key: pem,
      ...(password === undefined ? {} : { passphrase: password }),
    })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ERR_MISSING_PASSPHRASE') {
      throw new SetupError(
        `[keystore.tls] ${file} is encrypted and there is no password.`,
        'Write password, password_file or password_env.',
        at('key_file_name'),
        cause,
      )
    }
    if (code === 'ERR_OSSL_BAD_DECRYPT') {
      throw new SetupError(
        `[keystore.tls] the password does not open ${file}.`,
        'Correct it.',
        at('password'),
        cause,
      )
    }
    throw new SetupError(
      `[keystore.tls] there is no private key in ${file}.`,
      'Name a PEM file with a PKCS#8 key.',
      at('key_file_name'),
      cause,
    )
  }
}

function checkPair(
  cert: string,
  key: KeyObject,
  file: string,
  key_file_name: string,
): ServerCertificate {
  const certificate = readFirst(cert, file)
  if (!certificate.checkPrivateKey(key)) {
    throw new SetupError(
      `[keystore.tls] the key in ${key_file_name} does not belong to the certificate in ${file}.`,
      'Name the two files of one pair.',
      at('key_file_name'),
    )
  }
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString()
  try {
    createSecureContext({ cert, key: pem })
  } catch (cause) {
    throw new SetupError(
      `[keystore.tls] ${file} can't be used (${cause instanceof Error ? cause.message : cause}).`,
      'Write the server certificate first, then each intermediate certificate, all of them in PEM.',
      at('file_name'),
      cause,
    )
  }
  return { cert, key: pem, notAfter: Date.parse(certificate.validTo) }
}

function readFirst(cert: string, file: string): X509Certificate {
  try {
    return new X509Certificate(cert)
  } catch (cause) {
    throw new SetupError(
      `[keystore.tls] there is no certificate in ${file}.`,
      'Name a PEM file whose first certificate is the server’s.',
      at('file_name'),
      cause,
    )
  }
}
