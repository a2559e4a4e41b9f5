import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import type { ClientGroup } from '../client/client-store'
import { messageOf } from '../error/text-of'
import { postgresBuilder, sqliteBuilder } from './builder'
import type { Engine } from './engine'
import { loadPostgres } from './postgres-connection'
import { postgresPool } from './postgres-pool'
import { postgresSettings } from './postgres-settings'
import { latestSchema, schemaOf } from './schema'
import { sqlClientGroups } from './sql-client-groups'
import { openSqlite } from './sqlite-driver'
import type { Tables } from './tables'

/** The clients of a database, or a sentence that says why they can't be counted. */
export type Peek = { clients: readonly ClientGroup[] } | { unknown: string }

/**
 * Looks into a database as it is: nothing is created, migrated or written, so that looking at the
 * configuration of tomorrow can't disturb the server of today. Never throws.
 */
export async function peekClients(url: string): Promise<Peek> {
  try {
    if (url === 'memory:') return { unknown: 'The database is in memory.' }
    return /^sqlite:/i.test(url)
      ? await peekSqlite(resolve(url.slice('sqlite:'.length)))
      : await peekPostgres(url)
  } catch (cause) {
    const why = messageOf(cause).split('\n', 1)[0]
    return { unknown: `The database can't be read: ${why}` }
  }
}

async function peekSqlite(file: string): Promise<Peek> {
  if (!existsSync(file)) return { unknown: 'There is no database yet.' }
  const database = await openSqlite(file)
  try {
    const kysely = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) })
    return await peek(kysely, file, {
      db: sqliteBuilder(),
      ask<Values, Row>(wanted: Parameters<Engine['ask']>[0], values: Values) {
        const prepared = database.prepare(wanted.sql)
        return prepared.all(wanted.parameters(values as never)) as Row[]
      },
    })
  } finally {
    database.close()
  }
}

async function peekPostgres(url: string): Promise<Peek> {
  const { pool, ...one } = postgresPool(await loadPostgres(), postgresSettings(url), 1)
  try {
    const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
    return await peek(kysely, 'The database', {
      db: postgresBuilder(),
      async ask<Values, Row>(wanted: Parameters<Engine['ask']>[0], values: Values) {
        const step = { statement: wanted, parameters: wanted.parameters(values as never) }
        return (await one.with((query) => query(step))) as Row[]
      },
    })
  } finally {
    await one.close()
  }
}

async function peek(
  kysely: Kysely<Tables>,
  where: string,
  engine: Pick<Engine, 'db' | 'ask'>,
): Promise<Peek> {
  const schema = await schemaOf(kysely, where)
  if (schema === 0) return { unknown: 'The database is empty.' }
  if (schema !== latestSchema) {
    return { unknown: `The database has schema ${schema}; the server's start migrates it.` }
  }
  return { clients: await sqlClientGroups(engine)() }
}
