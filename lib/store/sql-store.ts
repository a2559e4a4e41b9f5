import { type Kysely, sql } from 'kysely'
import type { CounterName, Engine } from './engine'
import { sqlAccounts } from './sql-accounts'
import { sqlClientGroups } from './sql-client-groups'
import { sqlClients } from './sql-clients'
import { sqlFailures } from './sql-failures'
import { sqlKeys } from './sql-keys'
import { sqlObserved } from './sql-observed'
import { sqlSweep } from './sql-sweep'
import { sqlTokens } from './sql-tokens'
import { statement } from './statement'
import type { Store } from './store'
import { type Tables, tableNames } from './tables'

/** Everything of a store that is SQL alone, so that SQLite and PostgreSQL cannot differ in it. */
export function sqlStore(engine: Engine): Omit<Store, NeedsConnection> {
  const alive = statement(() =>
    engine.db.selectFrom('counter').select('value').where('name', '=', 'version'),
  )
  return {
    ...sqlClients(engine),
    groupClients: sqlClientGroups(engine),
    ...sqlAccounts(engine),
    ...sqlTokens(engine),
    ...sqlKeys(engine),
    ...sqlFailures(engine),
    ...sqlObserved(engine),
    removeExpired: sqlSweep(engine),
    async ping() {
      await engine.ask(alive, {})
    },
  }
}

type NeedsConnection = 'open' | 'close' | 'version' | 'lastBlock' | 'status'

/**
 * What each change of clients, accounts and keys does first with the counter behind `version`: as
 * its row is locked until the end, one change follows the other.
 */
export function moveCounter(db: Kysely<Tables>, name: CounterName) {
  return db
    .updateTable('counter')
    .set((row) => ({ value: row('value', '+', 1) }))
    .where('name', '=', name)
    .returning('value')
}

/** How many rows each table has. */
export async function countRows(engine: Engine): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const table of tableNames.filter((name) => name !== 'counter')) {
    const count = statement(() =>
      engine.db.selectFrom(table).select(sql<number>`count(*)`.as('rows')),
    )
    const [row] = await engine.ask(count, {})
    counts[table] = row?.rows ?? 0
  }
  return counts
}
