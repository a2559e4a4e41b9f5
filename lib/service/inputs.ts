/**
 * The files that a server needs and never makes up: certificate, key, truststore, CRLs. What is wrong
 * with one is told by the line of `deployment.toml` that names it.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SetupError } from '../error/setup-error'
import type { ServeSettings } from './serve-settings'

type Key = readonly (string | number)[]

/** An input's bytes; `make` is the command that would create it. Throws `SetupError`. */
export async function readInput(file: string, key: Key, make: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const names = key.filter((part) => typeof part === 'string')
    const [problem, fix] =
      code === 'ENOENT'
        ? ['there is no file', inItsFolder(file, make)]
        : [`cannot read (${code})`, readable]
    throw new SetupError(
      `[${names.slice(0, -1).join('.')}] ${names.at(-1)}: ${problem} ${file}.`,
      fix,
      { key },
      cause,
    )
  }
}

/** Commands don't make folders. */
function inItsFolder(file: string, make: string): string {
  const folder = dirname(file)
  return existsSync(folder) ? make : `Create the folder ${folder}. ${make}`
}

const readable = 'Make it a file that this user may read.'

/** An error that names no key is told by `key`. */
export async function locating<T>(
  { locate }: ServeSettings,
  key: Key,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof SetupError) || cause.place.file !== undefined) throw cause
    throw cause.at(locate(cause.place.key ?? key))
  }
}
