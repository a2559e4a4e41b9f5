import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Kysely } from 'kysely'
import { SetupError } from '../error/setup-error'
import { postgresBuilder, sqliteBuilder } from './builder'
import { openStore } from './open'
import { loadPostgres } from './postgres-connection'
import { numbers } from './postgres-pool'
import { postgresSettings } from './postgres-settings'
import { whileBusy } from './sqlite-connection'
import { openSqlite } from './sqlite-driver'
import { columns, type TableName, type Tables } from './tables'

export type Row = Readonly<Record<string, unknown>>

/** A database as a whole, in one transaction over a connection of its own, to be copied. */
export interface WholeDatabase {
  /** Builds SQL for this engine; never runs any. */
  readonly db: Kysely<Tables>
  begin(how: 'read' | 'write'): Promise<void>
  execute(query: { sql: string; parameters: readonly unknown[] }): Promise<void>
  /** All rows of a table as they are, some at a time. */
  rows(table: TableName): AsyncIterable<readonly Row[]>
  end(how: 'commit' | 'rollback'): Promise<void>
  close(): Promise<void>
}

/** Opens what the URL names, migrated to our schema. */
export async function openWhole(url: string): Promise<WholeDatabase> {
  if (url === 'memory:') {
    throw new SetupError('A store in memory cannot be copied.', 'Name two databases.')
  }
  await (await openStore(url)).close()
  return /^sqlite:/i.test(url) ? wholeSqlite(fileOf(url)) : wholePostgres(url)
}

/** A source is an input: it is never made, only read. */
export function refuseMissing(url: string): void {
  if (!/^sqlite:/i.test(url) || existsSync(fileOf(url))) return
  throw new SetupError(`There is no database ${fileOf(url)}.`, 'Name the file to copy from.')
}

const chunk = 200

function fileOf(url: string): string {
  return resolve(url.slice('sqlite:'.length))
}

async function wholeSqlite(file: string): Promise<WholeDatabase> {
  const database = await openSqlite(file)
  const run = (sql: string) => database.prepare(sql).run([])
  database.prepare('pragma busy_timeout = 20').all([])
  run('pragma foreign_keys = on')
  return {
    db: sqliteBuilder(),
    async begin(how) {
      await whileBusy(() => run(how === 'read' ? 'begin' : 'begin immediate'))
    },
    async execute({ sql, parameters }) {
      database.prepare(sql).run(parameters)
    },
    async *rows(table) {
      let some: Row[] = []
      for (const row of database.prepare(selectAll(table)).iterate([])) {
        some.push(row as Row)
        if (some.length < chunk) continue
        yield some
        some = []
      }
      if (some.length > 0) yield some
    },
    async end(how) {
      run(how)
    },
    async close() {
      database.close()
    },
  }
}

async function wholePostgres(url: string): Promise<WholeDatabase> {
  const pg = await loadPostgres()
  // However long it takes: nobody waits for an answer.
  const { statement_timeout: _, query_timeout: __, ...settings } = postgresSettings(url)
  const client = new pg.Client({ ...settings, types: numbers(pg) })
  client.on('error', () => {})
  await client.connect()
  return {
    db: postgresBuilder(),
    async begin(how) {
      await client.query(
        how === 'read' ? 'begin isolation level repeatable read, read only' : 'begin',
      )
    },
    async execute({ sql, parameters }) {
      await client.query(sql, [...parameters])
    },
    async *rows(table) {
      await client.query(`declare whole no scroll cursor for ${selectAll(table)}`)
      for (;;) {
        const { rows } = await client.query<Row>(`fetch ${chunk} from whole`)
        if (rows.length === 0) break
        yield rows
      }
      await client.query('close whole')
    },
    async end(how) {
      await client.query(how)
    },
    close: () => client.end(),
  }
}

function selectAll(table: TableName): string {
  return `select ${columns[table].map((name) => `"${name}"`).join()} from "${table}"`
}
