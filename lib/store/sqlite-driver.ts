import type { SqliteDatabase } from 'kysely'
import { SetupError } from '../error/setup-error'
import { messageOf } from '../error/text-of'
import { sqliteFault } from './fault'

/**
 * Opens a file with the driver at hand: Node's own where there is one (22.13 and later need no flag),
 * better-sqlite3 otherwise. Both are seen through the few methods that Kysely asks for.
 */
export async function openSqlite(path: string): Promise<SqliteDatabase> {
  const builtIn = nodeSqlite()
  if (builtIn !== undefined) return overNodeSqlite(new builtIn.DatabaseSync(path))
  const { default: Database } = await import('better-sqlite3').catch((error: unknown) => {
    throw missingDriver(error)
  })
  try {
    return new Database(path)
  } catch (error) {
    throw sqliteFault(error) === undefined ? missingDriver(error) : error
  }
}

/** The part of node:sqlite that is used; the types of the oldest Node that we support lack it. */
interface NodeSqlite {
  DatabaseSync: new (path: string) => DatabaseSync
}

interface DatabaseSync {
  prepare(sql: string): {
    all(...parameters: readonly unknown[]): unknown[]
    run(...parameters: readonly unknown[]): { changes: number; lastInsertRowid: number }
    iterate(...parameters: readonly unknown[]): IterableIterator<unknown>
  }
  close(): void
}

function overNodeSqlite(database: DatabaseSync): SqliteDatabase {
  return {
    prepare(sql) {
      const prepared = database.prepare(sql)
      return {
        // all() of a statement that returns nothing is [], so no statement needs another verb.
        reader: true,
        all: (parameters) => prepared.all(...parameters),
        run: (parameters) => prepared.run(...parameters),
        iterate: (parameters) => prepared.iterate(...parameters),
      }
    },
    close: () => database.close(),
  }
}

/**
 * Node warns that the module is experimental, once, while it is loaded. Our users did not choose the
 * module, so that one warning is left out, and no other: warnings go their way again before we return.
 */
function nodeSqlite(): NodeSqlite | undefined {
  const emitWarning = process.emitWarning
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (rest[0] === 'ExperimentalWarning') return
    Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    return process.getBuiltinModule('node:sqlite') as NodeSqlite | undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

function missingDriver(error: unknown): SetupError {
  const why = messageOf(error).split('\n', 1)[0]
  return new SetupError(
    `SQLite needs the package better-sqlite3 on Node ${process.versions.node} (${why}).`,
    'Run npm install better-sqlite3, or use Node 22.13 or later.',
    {},
    error,
  )
}
