import { Kysely, PostgresDialect } from 'kysely'
import type { ClientConfig } from 'pg'
import { SetupError } from '../error/setup-error'
import { messageOf } from '../error/text-of'
import { type Pg, type PostgresPool, postgresPool } from './postgres-pool'
import { postgresSettings, withoutPassword } from './postgres-settings'
import { type VersionWatch, watchVersion } from './postgres-watch'
import { latestSchema, migrate, schemaOf, verifySchema } from './schema'
import type { Tables } from './tables'

/** One open database: connections to work with and one to listen on. */
export interface PostgresConnection {
  /** Runs SQL that was not made for speed. */
  readonly kysely: Kysely<Tables>
  readonly pool: PostgresPool
  readonly watch: VersionWatch
  close(): Promise<void>
}

/** Migrates what is old; SetupError where the database can't be used. */
export async function connectPostgres(
  url: string,
  connections: number,
): Promise<PostgresConnection> {
  const where = withoutPassword(url)
  const settings = postgresSettings(url)
  const pg = await loadPostgres()
  const pool = postgresPool(pg, settings, connections)
  try {
    const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: pool.pool }) })
    if ((await schemaOf(kysely, where)) < latestSchema) await migrateAlone(pg, settings, where)
    await verifySchema(kysely, where)
    const watch = await watchVersion(pg, settings)
    return {
      kysely,
      pool,
      watch,
      close() {
        watch.close()
        return pool.close()
      },
    }
  } catch (error) {
    await pool.close()
    if (error instanceof SetupError) throw error
    const why = messageOf(error)
    throw new SetupError(
      `The PostgreSQL database ${where} cannot be used (${why}).`,
      'Start the server, and check the host, the user and the database of the URL.',
      {},
      error,
    )
  }
}

export async function loadPostgres(): Promise<Pg> {
  try {
    const { default: pg } = await import('pg')
    return pg
  } catch (error) {
    throw new SetupError('PostgreSQL needs the package pg.', 'Run npm install pg.', {}, error)
  }
}

/**
 * One connection without limits of time, since the others wait here for the one that migrates:
 * Kysely's Migrator holds an advisory lock for its transaction.
 */
async function migrateAlone(pg: Pg, settings: ClientConfig, where: string): Promise<void> {
  const { statement_timeout: _, query_timeout: __, ...patient } = settings
  const pool = new pg.Pool({ ...patient, max: 1 })
  pool.on('error', () => {})
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  try {
    await migrate(kysely, where, { bytes: 'bytea' }, false)
  } finally {
    await kysely.destroy()
  }
}
