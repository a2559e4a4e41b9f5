import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely'
import type { CounterName } from './engine'
import { Conflict, sqliteFault, storeFault } from './fault'
import { latestSchema, migrate, schemaOf, verifySchema } from './schema'
import { openSqlite } from './sqlite-driver'
import { prepareFile, unusable } from './sqlite-file'
import { groupCommit, type Writer } from './sqlite-writer'
import type { Tables } from './tables'

/** One open file: its statements prepared once, its writes in groups. */
export interface SqliteConnection {
  /** Runs SQL that was not made for speed. */
  readonly kysely: Kysely<Tables>
  readonly writer: Writer
  /** Failures come as an OAuthError. */
  rows(sql: string, parameters: readonly unknown[]): unknown[]
  counters(): Readonly<Record<CounterName, number>>
  close(): Promise<void>
}

/** Creates what is absent, migrates what is old; SetupError where neither is possible. */
export async function connectSqlite(
  file: string,
  synchronous: 'FULL' | 'NORMAL',
): Promise<SqliteConnection> {
  prepareFile(file)
  let database: SqliteDatabase | undefined
  try {
    database = await openSqlite(file)
    const execute = preparing(database)
    execute(`pragma busy_timeout = ${busyTimeout}`)
    await whileBusy(() => execute('pragma journal_mode = wal'))
    execute(`pragma synchronous = ${synchronous}`)
    execute(`pragma wal_autocheckpoint = ${checkpointPages}`)
    execute('pragma foreign_keys = on')
    const kysely = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) })
    await bringUpToDate(kysely, execute, file)
    return connectionOver(database, kysely, execute)
  } catch (error) {
    database?.close()
    throw unusable(file, error)
  }
}

/** Milliseconds for which SQLite itself may wait, and every request of this process with it. */
const busyTimeout = 20

/**
 * Pages of the log after which they are copied into the file: 16 MB. The later, the more often a page was
 * written again meanwhile and is copied once.
 */
const checkpointPages = 4_000

/** Milliseconds for which the start waits for a process that migrates. */
const startPatience = 10_000

type Execute = (sql: string, parameters?: readonly unknown[]) => unknown[]

function preparing(database: SqliteDatabase): Execute {
  const prepared = new Map<string, SqliteStatement>()
  return (sql, parameters = []) => {
    const known = prepared.get(sql) ?? database.prepare(sql)
    prepared.set(sql, known)
    if (known.reader) return known.all(parameters)
    known.run(parameters)
    return []
  }
}

async function bringUpToDate(kysely: Kysely<Tables>, execute: Execute, file: string) {
  if ((await whileBusy(() => schemaOf(kysely, file))) < latestSchema) {
    // Kysely's Migrator locks nothing on SQLite, so the lock is ours: of several processes one
    // migrates, the others find it done.
    await whileBusy(() => execute('begin immediate'))
    try {
      await migrate(kysely, file, { bytes: 'blob' }, true)
      execute('commit')
    } catch (error) {
      execute('rollback')
      throw error
    }
  }
  await whileBusy(() => verifySchema(kysely, file))
  refuseReadOnly(execute)
}

/** A file that another process has locked just now is one that can be written. */
function refuseReadOnly(execute: Execute): void {
  try {
    execute('begin immediate')
    execute('rollback')
  } catch (error) {
    if (sqliteFault(error) !== 'BUSY') throw error
  }
}

/** Waits for a lock without stopping the event loop. */
export async function whileBusy<T>(work: () => T | Promise<T>): Promise<T> {
  const deadline = performance.now() + startPatience
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (sqliteFault(error) !== 'BUSY' || performance.now() > deadline) throw error
    }
    await sleep(10 + Math.random() * 20)
  }
}

function connectionOver(
  database: SqliteDatabase,
  kysely: Kysely<Tables>,
  execute: Execute,
): SqliteConnection {
  const rows: SqliteConnection['rows'] = (sql, parameters) => {
    try {
      return execute(sql, parameters)
    } catch (error) {
      throw translated(error)
    }
  }
  // data_version tells of every commit but our own; the counters tell whether it concerns what is
  // kept in memory. Looked at once in each turn of the event loop, before the first request that it
  // serves: the others were on their way when another process committed.
  const dataVersion = database.prepare('pragma data_version')
  const counters = database.prepare('select name, value from counter')
  let seen: unknown
  let known = { version: 0, blocks: 0 }
  let looked = false
  const nextTurn = () => {
    looked = false
  }
  const writer = groupCommit(execute, () => {
    seen = undefined
    looked = false
  })
  return {
    kysely,
    writer,
    rows,
    counters() {
      if (looked) return known
      try {
        const [row] = dataVersion.all([]) as { data_version: number }[]
        looked = true
        setImmediate(nextTurn)
        if (row?.data_version === seen) return known
        const found = counters.all([]) as { name: CounterName; value: number }[]
        known = { version: 0, blocks: 0 }
        for (const { name, value } of found) known[name] = value
        seen = row?.data_version
        return known
      } catch (error) {
        throw translated(error)
      }
    },
    async close() {
      await writer.close()
      database.close()
    },
  }
}

/** A mistake of ours stays what it is; a failure of the database is 503. */
function translated(error: unknown): unknown {
  const fault = sqliteFault(error)
  if (fault === undefined) return error
  return fault === 'CONSTRAINT' ? new Conflict(error) : storeFault(error)
}
