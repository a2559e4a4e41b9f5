/**
 * Secrets that the file only points to, read when they are needed: a message names the file or the
 * variable, never what stands in it.
 */
import { readFile } from 'node:fs/promises'
import { SetupError } from '../error/setup-error'
import { absoluteDatabaseUrl } from './absolute-paths'
import { isDatabaseUrl } from './database-url'
import type { KeyPath } from './lines'
import type { Settings } from './schema'

export interface SecretSource {
  password?: string | undefined
  password_file?: string | undefined
  password_env?: string | undefined
}

/**
 * The password, from whichever of the three is given; undefined when none is. One newline at the end
 * of a file does not belong to it. `table` is the path of the table, for the error's line.
 * Throws `SetupError` for a missing file or variable.
 *
 * @example
 * const password = await resolveSecret(settings.truststore, ['truststore'])
 */
export async function resolveSecret(
  { password, password_file, password_env }: SecretSource,
  table: KeyPath,
): Promise<string | undefined> {
  if (password_env !== undefined) return fromEnvironment(password_env, [...table, 'password_env'])
  if (password_file !== undefined) return fromFile(password_file, [...table, 'password_file'])
  return password
}

/**
 * The URL of the database; a relative SQLite path in `url_env` is relative to `folder`, the one of
 * `deployment.toml`. Throws `SetupError` for a missing variable.
 */
export function resolveDatabaseUrl({ url, url_env }: Settings['database'], folder: string): string {
  if (url !== undefined) return url
  const key = ['database', 'url_env']
  const found = fromEnvironment(url_env ?? '', key)
  if (isDatabaseUrl(found)) return absoluteDatabaseUrl(found, folder)
  // It may hold a password, so it is not repeated.
  throw new SetupError(
    `The environment variable ${url_env} is no URL of a database.`,
    'Set it to sqlite:FILE or postgres://USER@HOST/DATABASE.',
    { key },
  )
}

async function fromFile(file: string, key: KeyPath): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    throw new SetupError(
      `The password file ${file} cannot be read.`,
      'Create it with mode 0600, the password on its only line.',
      { key },
      error,
    )
  }
}

function fromEnvironment(name: string, key: KeyPath): string {
  const value = process.env[name]
  if (value !== undefined && value !== '') return value
  throw new SetupError(
    `The environment variable ${name} is not set.`,
    `Set ${name} before the start.`,
    { key },
  )
}
