import { open } from 'node:fs/promises'
import { SetupError } from '../error/setup-error'
import { type Refusal, unfitness } from './authorities'
import type { Certificate } from './certificate'
import { type Crl, isCrlOf, readCrl } from './crl'
import { readTrustEntries, type StoreEntry } from './keystore'
import { isDer, parseDer, readPemBlocks } from './parse'

/** `[truststore]` of `deployment.toml`, in its own spelling; paths are absolute. */
export interface TruststoreSettings {
  file_name: string
  password?: string | undefined
  password_file?: string | undefined
  password_env?: string | undefined
  crl_file_names?: readonly string[] | undefined
  crl_policy?: 'if-present' | 'required' | undefined
  ocsp?: 'off' | 'soft' | 'hard' | undefined
  check_registered?: boolean | undefined
}

/** What the files of a truststore hold, before it is known what is registered. */
export interface TrustFiles {
  readonly entries: readonly Certificate[]
  readonly crls: readonly Crl[]
  /** Entries that are no certificates. */
  readonly refused: readonly Refusal[]
}

export const noTrustFiles: TrustFiles = { entries: [], crls: [], refused: [] }

/**
 * Reads truststore and CRLs whole, or throws `SetupError` naming the file: what is empty, cut short,
 * garbled or closed by another password never passes for a smaller set.
 */
export async function readTrustFiles(settings: TruststoreSettings): Promise<TrustFiles> {
  const { file_name, crl_file_names = [] } = settings
  const bytes = await readBounded(file_name, storeBytesAtMost)
  const found = readTrustEntries(bytes, await readPassword(settings), file_name)
  if (found.length > entriesAtMost) {
    throw new SetupError(
      `${file_name} holds ${found.length} certificates, at most ${entriesAtMost} are allowed.`,
      'Leave only the CAs of your clients in it; register a client’s own certificate for the client.',
    )
  }
  const { entries, refused } = parseEntries(found, file_name)
  if (entries.length === 0) {
    throw new SetupError(
      `${file_name} holds no certificate that can be read.`,
      'Put the certificates of your clients’ CAs in it, or leave [truststore] out.',
    )
  }
  const lists = await Promise.all(crl_file_names.map(readCrlFile))
  const crls = lists.flat()
  for (const { file, crl } of crls) checkCrl(crl, file, entries)
  return { entries, crls: crls.map(({ crl }) => crl), refused }
}

/** An anchor for each company on earth is a mistake; a JDK's own store has 150. */
const entriesAtMost = 256
const storeBytesAtMost = 2 * 1024 * 1024
const crlBytesAtMost = 16 * 1024 * 1024
const passwordBytesAtMost = 4096

function parseEntries(found: readonly StoreEntry[], file: string) {
  const entries = new Map<string, Certificate>()
  const refused: Refusal[] = []
  for (const { label, der, isOwn, line } of found) {
    if (isOwn) {
      refused.push({ what: label, why: 'It belongs to a private key of the store.' })
      continue
    }
    try {
      const certificate = parseDer(der, label)
      entries.set(certificate.thumbprint, certificate)
    } catch (cause) {
      // A keystore may hold what was never meant for us; in a PEM file somebody wrote this CA down.
      if (line !== undefined) throw garbled(file, line, cause)
      refused.push({ what: label, why: 'It is not a well-formed X.509 certificate.' })
    }
  }
  return { entries: [...entries.values()], refused }
}

function garbled(file: string, line: number, cause: unknown): SetupError {
  return new SetupError(
    `${file} holds no well-formed X.509 certificate in the block that begins in line ${line}.`,
    'Copy that certificate again, whole, or take it out.',
    {},
    cause,
  )
}

async function readCrlFile(file: string): Promise<{ file: string; crl: Crl }[]> {
  const bytes = await readBounded(file, crlBytesAtMost)
  const ders = isDer(bytes) ? [bytes] : readPemBlocks(bytes.toString(), file, ['X509 CRL'])
  try {
    return ders.map((der) => ({ file, crl: readCrl(der) }))
  } catch (cause) {
    throw new SetupError(
      `${file} is not a complete X.509 CRL.`,
      'Fetch the CA’s full CRL again, in PEM or DER; delta and indirect CRLs are not supported.',
      {},
      cause,
    )
  }
}

/** A list that nobody vouches for is a mistake, and would be missed when it is needed. */
function checkCrl(crl: Crl, file: string, entries: readonly Certificate[]): void {
  if (entries.some((entry) => unfitness(entry) === undefined && isCrlOf(crl, entry))) return
  throw new SetupError(
    `${file} is a CRL of "${crl.issuer}", which no CA of the truststore has signed.`,
    'Put that CA into the truststore, or take the CRL out of crl_file_names.',
  )
}

async function readPassword(settings: TruststoreSettings): Promise<string | undefined> {
  const { password, password_file, password_env } = settings
  if (password_env !== undefined) {
    const value = process.env[password_env]
    if (value !== undefined) return value
    throw new SetupError(
      `The environment variable ${password_env} is not set.`,
      `Set ${password_env} to the truststore’s password before the start.`,
      { key: ['truststore', 'password_env'] },
    )
  }
  if (password_file === undefined) return password
  const bytes = await readBounded(password_file, passwordBytesAtMost)
  return bytes.toString().replace(/\r?\n$/, '')
}

/** A whole file, but never more than `limit` bytes of it: not of a device either. */
async function readBounded(file: string, limit: number): Promise<Buffer> {
  try {
    const handle = await open(file)
    try {
      const bytes = Buffer.alloc(limit + 1)
      let length = 0
      while (length <= limit) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length)
        if (bytesRead === 0) return bytes.subarray(0, length)
        length += bytesRead
      }
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw new SetupError(
      `${file} can’t be read: ${reasonOf(cause)}.`,
      'Check the path and that this user may read the file.',
      {},
      cause,
    )
  }
  throw new SetupError(
    `${file} has more than ${limit} bytes.`,
    'Check that the path names the right file.',
  )
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'it may not be read'
  if (code === 'EISDIR') return 'it is a folder'
  return String(code ?? 'reading failed')
}
