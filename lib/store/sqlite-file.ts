import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { SetupError } from '../error/setup-error'
import { codeOf, sqliteFault } from './fault'

/**
 * A database holds digests of secrets: it is readable by its owner alone, from its first byte on.
 * SQLite gives -wal and -shm the mode of the file that it finds. A file that is there already is
 * only looked at, never opened here: closing it would drop the locks that another connection of this
 * process holds (POSIX).
 */
export function prepareFile(path: string): void {
  if (path === '' || path === ':memory:') {
    throw new SetupError(
      'SQLite needs the path of a file.',
      'Write "memory:" for a store without a file.',
    )
  }
  try {
    if (!exists(path)) create(path)
    for (const file of [path, `${path}-wal`, `${path}-shm`]) closeToOthers(file)
    accessSync(path, constants.R_OK | constants.W_OK)
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw unusable(path, error)
  }
}

/** What is told when a database can't be opened, in the operator's words. */
export function unusable(path: string, error: unknown): unknown {
  const cause = error instanceof SetupError ? error.cause : error
  const fault = sqliteFault(cause) ?? codeOf(cause) ?? ''
  const told = troubles.find(({ faults }) => faults.includes(fault))
  return told === undefined
    ? error
    : new SetupError(`The database ${path} ${told.problem}.`, told.fix, {}, error)
}

const troubles = [
  {
    faults: ['NOTADB', 'CORRUPT'],
    problem: 'is not a whole SQLite database',
    fix: 'Restore a backup, or name another file.',
  },
  {
    faults: ['READONLY', 'EACCES', 'EPERM', 'EROFS'],
    problem: 'cannot be written',
    fix: 'Let the user of this process read and write the file and its folder.',
  },
  {
    faults: ['CANTOPEN', 'EISDIR', 'ENOTDIR', 'ENOENT'],
    problem: 'cannot be opened',
    fix: 'Name a file in a folder that exists or can be made.',
  },
  {
    faults: ['FULL', 'IOERR', 'ENOSPC', 'EDQUOT'],
    problem: 'has no room on its disk, or the disk fails',
    fix: 'Free some space and start again.',
  },
  {
    faults: ['BUSY', 'LOCKED'],
    problem: 'is locked by another process',
    fix: 'End the process that holds it, or wait for it.',
  },
]

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

function create(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const { O_CREAT, O_EXCL, O_RDWR } = constants
  try {
    const file = openSync(path, O_CREAT | O_EXCL | O_RDWR, 0o600)
    // Whatever the umask took away, the owner needs.
    fchmodSync(file, 0o600)
    closeSync(file)
  } catch (error) {
    // Another process made it in this moment.
    if (!exists(path)) throw error
  }
}

function closeToOthers(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined || !stats.isFile() || (stats.mode & 0o077) === 0) return
  try {
    chmodSync(path, 0o600)
  } catch {
    // Not ours: its owner has decided who may read it.
  }
}
