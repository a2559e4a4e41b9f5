/**
 * The certificate and key of the listeners, from `[keystore.tls]`. Everything about them is found out
 * before a listener sees them: OpenSSL takes a missing key without a word and then fails every
 * handshake.
 */
import { createSecureContext } from 'node:tls'
import { holdsKey, type KeyEntry, readKeyEntry } from '../certificate/keystore'
import { resolveSecret } from '../config/secret'
import { SetupError } from '../error/setup-error'
import { locating, readInput } from './inputs'
import { makeServerCertificate } from './making'
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
export function readServerCertificate(settings: ServeSettings): Promise<ServerCertificate> {
  return locating(settings, ['keystore', 'tls', 'file_name'], () => read(settings))
}

async function read(settings: ServeSettings): Promise<ServerCertificate> {
  const { tls } = settings.keystore
  const input = (file: string, key: 'file_name' | 'key_file_name') =>
    readInput(file, ['keystore', 'tls', key], makeServerCertificate(settings, file))
  const bytes = await input(tls.file_name, 'file_name')
  const keyPem =
    tls.key_file_name !== undefined && !holdsKey(bytes)
      ? await input(tls.key_file_name, 'key_file_name')
      : undefined
  const password = await resolveSecret(tls, ['keystore', 'tls'])
  const entry = () => readKeyEntry(bytes, password, tls.file_name, keyPem?.toString())
  const { key_file_name } = tls
  return usable(
    keyPem === undefined ? entry() : namingKeyFile(key_file_name ?? '', entry),
    tls.file_name,
  )
}

/** Where nobody wrote `key_file_name` it is its default's name that must be told. */
function namingKeyFile(file: string, entry: () => KeyEntry): KeyEntry {
  try {
    return entry()
  } catch (cause) {
    if (!(cause instanceof SetupError)) throw cause
    const { problem, fix, place } = cause
    throw new SetupError(problem, `${fix} The key was read from ${file}.`, place, cause)
  }
}

/** What OpenSSL would not serve with, as a key too short, is refused here. */
function usable({ cert, key, certificate }: KeyEntry, file: string): ServerCertificate {
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw new SetupError(
      `${file} can't be served with: ${cause instanceof Error ? cause.message : cause}.`,
      'Write the server certificate first, then each intermediate one, with keys of today’s length.',
      {},
      cause,
    )
  }
  return { cert, key, notAfter: certificate.notAfter }
}
