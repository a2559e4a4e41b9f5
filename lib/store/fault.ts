import { OAuthError } from '../error/oauth-error'

/**
 * A database that fails is 503 and never "not found": an unknown state lets nobody in, and a caller
 * may try again.
 */
export function storeFault(cause: unknown): OAuthError {
  return new OAuthError('temporarily_unavailable', { reason: 'store_failed', cause, headers })
}

/** More writes are waiting than could be answered in time. */
export function overloaded(): OAuthError {
  return new OAuthError('temporarily_unavailable', { reason: 'overloaded', headers })
}

/** A key is taken already, or what a row refers to is gone. Nothing of its transaction is written. */
export class Conflict extends OAuthError {
  constructor(cause?: unknown) {
    super('temporarily_unavailable', { reason: 'store_failed', cause, headers })
  }
}

const headers = { 'retry-after': '1' }

/** SQLite's primary result code without its prefix ("BUSY"); undefined when it is not SQLite's error. */
export function sqliteFault(error: unknown): string | undefined {
  const code = codeOf(error)
  if (code?.startsWith('SQLITE_')) return code.split('_')[1]
  if (code !== 'ERR_SQLITE_ERROR') return undefined
  const { errcode } = error as { errcode?: number }
  return faultNames[Number(errcode) & 0xff] ?? 'ERROR'
}

/** The `code` that Node and the drivers put on their errors. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

const faultNames: Readonly<Record<number, string>> = {
  5: 'BUSY',
  6: 'LOCKED',
  8: 'READONLY',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  19: 'CONSTRAINT',
  26: 'NOTADB',
}

/** The SQLSTATE that a PostgreSQL server answered; undefined when the failure is no answer of it. */
export function postgresFault(error: unknown): string | undefined {
  const code = codeOf(error)
  const answered = typeof error === 'object' && error !== null && 'severity' in error
  return answered && code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/** Whether a statement asks for a table or column that is not there, or makes one that is. */
export function isSchemaFault(error: unknown): boolean {
  return sqliteFault(error) === 'ERROR' || postgresFault(error)?.startsWith('42') === true
}
