import { type ColumnDataType, type Kysely, type Migration, Migrator, sql } from 'kysely'
import { SetupError } from '../error/setup-error'
import { messageOf } from '../error/text-of'
import { isSchemaFault } from './fault'
import { columns, type Tables, tableNames } from './tables'

/** The types that the two engines call by different names. */
export interface SchemaTypes {
  bytes: ColumnDataType
}

/**
 * Every migration that there ever was, by number, as code. One that was released is never changed:
 * a new one is added.
 */
const migrations: Record<string, (db: Kysely<Tables>, types: SchemaTypes) => Promise<void>> = {
  '001': async (db, types) => {
    const { schema } = db
    await schema
      .createTable('client')
      .addColumn('client_id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('client_name', 'text', (c) => c.notNull())
      .addColumn('token_endpoint_auth_method', 'text', (c) => c.notNull())
      .addColumn('grant_types', 'text', (c) => c.notNull())
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('redirect_uris', 'text', (c) => c.notNull())
      .addColumn('resources', 'text', (c) => c.notNull())
      .addColumn('resource_server', 'text')
      .addColumn('jwks', 'text')
      .addColumn('without_certificate', 'integer', (c) => c.notNull())
      .addColumn('tls_identity', 'text')
      .addColumn('disabled', 'integer', (c) => c.notNull())
      .addColumn('created', 'bigint', (c) => c.notNull())
      .execute()
    await schema
      .createTable('client_secret')
      .addColumn('client_id', 'text', (c) =>
        c.notNull().references('client.client_id').onDelete('cascade'),
      )
      .addColumn('digest', 'text', (c) => c.notNull())
      .addColumn('created', 'bigint', (c) => c.notNull())
      .addColumn('expires', 'bigint')
      .addColumn('last_used', 'bigint')
      .addPrimaryKeyConstraint('client_secret_key', ['client_id', 'digest'])
      .execute()
    await schema
      .createTable('client_certificate')
      .addColumn('client_id', 'text', (c) =>
        c.notNull().references('client.client_id').onDelete('cascade'),
      )
      .addColumn('thumbprint', 'text', (c) => c.notNull())
      .addColumn('der', types.bytes, (c) => c.notNull())
      .addColumn('subject', 'text', (c) => c.notNull())
      .addColumn('not_after', 'bigint', (c) => c.notNull())
      .addColumn('last_used', 'bigint')
      .addPrimaryKeyConstraint('client_certificate_key', ['client_id', 'thumbprint'])
      .execute()
    await schema
      .createTable('account')
      .addColumn('account_id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('username', 'text', (c) => c.notNull().unique())
      .addColumn('password', 'text', (c) => c.notNull())
      .addColumn('disabled', 'integer', (c) => c.notNull())
      .addColumn('created', 'bigint', (c) => c.notNull())
      .execute()
    await schema
      .createTable('grant')
      .addColumn('grant_id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('client_id', 'text', (c) => c.references('client.client_id').onDelete('cascade'))
      .addColumn('sub', 'text')
      .addColumn('scope', 'text')
      .addColumn('resources', 'text')
      .addColumn('claims', 'text')
      .addColumn('created', 'bigint', (c) => c.notNull())
      .addColumn('expires', 'bigint', (c) => c.notNull())
      .addColumn('revoked', 'bigint')
      .execute()
    await schema
      .createTable('refresh_token')
      .addColumn('digest', 'text', (c) => c.primaryKey().notNull())
      .addColumn('grant_id', 'text', (c) =>
        c.notNull().references('grant.grant_id').onDelete('cascade'),
      )
      .addColumn('created', 'bigint', (c) => c.notNull())
      .addColumn('expires', 'bigint', (c) => c.notNull())
      .addColumn('used', 'bigint')
      .execute()
    await schema
      .createTable('code')
      .addColumn('digest', 'text', (c) => c.primaryKey().notNull())
      .addColumn('grant_id', 'text', (c) => c.notNull())
      .addColumn('client_id', 'text', (c) =>
        c.notNull().references('client.client_id').onDelete('cascade'),
      )
      .addColumn('sub', 'text', (c) => c.notNull())
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('resources', 'text', (c) => c.notNull())
      .addColumn('redirect_uri', 'text', (c) => c.notNull())
      .addColumn('code_challenge', 'text', (c) => c.notNull())
      .addColumn('nonce', 'text')
      .addColumn('auth_time', 'bigint', (c) => c.notNull())
      .addColumn('expires', 'bigint', (c) => c.notNull())
      .addColumn('used', 'bigint')
      .execute()
    await schema
      .createTable('par')
      .addColumn('digest', 'text', (c) => c.primaryKey().notNull())
      .addColumn('client_id', 'text', (c) =>
        c.notNull().references('client.client_id').onDelete('cascade'),
      )
      .addColumn('parameters', 'text', (c) => c.notNull())
      .addColumn('expires', 'bigint', (c) => c.notNull())
      .execute()
    await schema
      .createTable('session')
      .addColumn('digest', 'text', (c) => c.primaryKey().notNull())
      .addColumn('account_id', 'text', (c) =>
        c.notNull().references('account.account_id').onDelete('cascade'),
      )
      .addColumn('auth_time', 'bigint', (c) => c.notNull())
      .addColumn('expires', 'bigint', (c) => c.notNull())
      .execute()
    await schema
      .createTable('replay')
      .addColumn('digest', 'text', (c) => c.primaryKey().notNull())
      .addColumn('expires', 'bigint', (c) => c.notNull())
      .execute()
    await schema
      .createTable('signing_key')
      .addColumn('kid', 'text', (c) => c.primaryKey().notNull())
      .addColumn('alg', 'text', (c) => c.notNull())
      .addColumn('created', 'bigint', (c) => c.notNull())
      .addColumn('replaced', 'bigint')
      .addColumn('published_until', 'bigint')
      .execute()
    await schema
      .createTable('counter')
      .addColumn('name', 'text', (c) => c.primaryKey().notNull())
      .addColumn('value', 'bigint', (c) => c.notNull())
      .execute()
    await db.insertInto('counter').values({ name: 'version', value: 0 }).execute()

    // One index for each deletion that follows a reference, one for each sweep of what has expired,
    // one to know a certificate of the truststore for a registered one.
    // A refresh token leaves with its grant, so it needs none for its own end.
    const indexes = {
      client_certificate: ['thumbprint'],
      grant: ['client_id', 'sub', 'expires'],
      refresh_token: ['grant_id'],
      code: ['client_id', 'sub', 'expires'],
      par: ['client_id', 'expires'],
      session: ['account_id', 'expires'],
      replay: ['expires'],
    }
    for (const [table, indexed] of Object.entries(indexes)) {
      for (const column of indexed) {
        await schema.createIndex(`${table}_${column}`).on(table).column(column).execute()
      }
    }
  },
  /** Clients that are registered over HTTP, and manage themselves. */
  '002': async ({ schema }) => {
    await schema.alterTable('client').addColumn('registration', 'text').execute()
  },
  /** Guessing is counted over all processes. */
  '003': async (db) => {
    const { schema } = db
    await schema
      .createTable('failure')
      .addColumn('key', 'text', (c) => c.primaryKey().notNull())
      .addColumn('failures', 'integer', (c) => c.notNull())
      .addColumn('expires', 'bigint', (c) => c.notNull())
      .addColumn('blocked', 'bigint')
      .execute()
    for (const column of ['expires', 'blocked']) {
      await schema.createIndex(`failure_${column}`).on('failure').column(column).execute()
    }
    await db.insertInto('counter').values({ name: 'blocks', value: 0 }).execute()
  },
  /** Whom a handler that observes would refuse; and clients counted by what the chain asks of them. */
  '004': async ({ schema }) => {
    await schema
      .createTable('observed')
      .addColumn('client_id', 'text', (c) =>
        c.notNull().references('client.client_id').onDelete('cascade'),
      )
      .addColumn('reason', 'text', (c) => c.notNull())
      .addColumn('since', 'bigint', (c) => c.notNull())
      .addColumn('last', 'bigint', (c) => c.notNull())
      .addColumn('times', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('observed_key', ['client_id', 'reason'])
      .execute()
    await schema
      .createIndex('client_group')
      .on('client')
      .columns([
        'token_endpoint_auth_method',
        'without_certificate',
        'disabled',
        'grant_types',
        'client_id',
      ])
      .execute()
  },
}

/** The newest schema that this program knows. */
export const latestSchema = Number(Object.keys(migrations).at(-1))

/** The number of the schema in this database; 0: none yet. Throws for one that is newer than ours. */
export async function schemaOf(db: Kysely<Tables>, where: string): Promise<number> {
  const applied = await appliedMigrations(db)
  const unknown = applied.find((name) => !Object.hasOwn(migrations, name))
  if (unknown !== undefined) {
    throw new SetupError(
      `${where} has schema ${Number(unknown)}, this program knows up to ${latestSchema}.`,
      'Run the newer version of mtls-secret that wrote it, or restore a backup.',
    )
  }
  return Number(applied.at(-1) ?? 0)
}

/** Brings the schema up to date. The caller holds the lock under which one process does so. */
export async function migrate(
  db: Kysely<Tables>,
  where: string,
  types: SchemaTypes,
  disableTransactions: boolean,
): Promise<void> {
  const provider = { getMigrations: async () => withTypes(types) }
  const { error } = await new Migrator({ db, provider, disableTransactions }).migrateToLatest()
  if (error !== undefined) throw halfApplied(where, error)
}

/** Throws when a table or column is not there, though the migrations say that it is. */
export async function verifySchema(db: Kysely<Tables>, where: string): Promise<void> {
  for (const table of tableNames) {
    const list = columns[table].map((column) => sql.ref(`${table}.${column}`))
    const probe = sql`select ${sql.join(list)} from ${sql.table(table)} where 1 = 0`
    await probe.execute(db).catch((error: unknown) => {
      throw halfApplied(where, error)
    })
  }
}

async function appliedMigrations(db: Kysely<Tables>): Promise<string[]> {
  try {
    const applied = sql<{ name: string }>`select name from kysely_migration order by name`
    return (await applied.execute(db)).rows.map((row) => row.name)
  } catch (error) {
    // No such table: nothing was ever applied.
    if (isSchemaFault(error)) return []
    throw error
  }
}

function withTypes(types: SchemaTypes): Record<string, Migration> {
  return Object.fromEntries(
    Object.entries(migrations).map(([name, up]) => [name, { up: (db) => up(db, types) }]),
  )
}

/** Any other failure stays what it is: of the connection, of the disk. */
function halfApplied(where: string, error: unknown): unknown {
  if (!isSchemaFault(error)) return error
  const why = messageOf(error)
  return new SetupError(
    `${where} has a schema that is neither empty nor whole (${why}).`,
    'Restore a backup, or name an empty database.',
    {},
    error,
  )
}
