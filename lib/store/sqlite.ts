import { resolve } from 'node:path'
import { sqliteBuilder } from './builder'
import { holding } from './connection'
import type { CounterName, Engine } from './engine'
import { latestSchema, schemaOf } from './schema'
import { countRows, moveCounter, sqlStore } from './sql-store'
import { connectSqlite, type SqliteConnection } from './sqlite-connection'
import { run, type Statement, type Steps, statement } from './statement'
import type { Store } from './store'
import { isStorable, refuseUnstorable } from './text'

export interface SqliteOptions {
  /**
   * `FULL`, the default: what was answered survives a loss of power. `NORMAL`: it survives the death
   * of the process; a loss of power may take the last moments away.
   */
  synchronous?: 'FULL' | 'NORMAL'
}

/**
 * A store in one file, for all processes of one machine. Nothing is touched before `open()`, which
 * throws SetupError for a file that can't be used.
 *
 * @example
 * const store = sqliteStore('data/mtls-secret.db')
 * await store.open()
 */
export function sqliteStore(path: string, options: SqliteOptions = {}): Store {
  const file = path === '' || path === ':memory:' ? path : resolve(path)
  const { here, open, close } = holding(() => connectSqlite(file, options.synchronous ?? 'FULL'))
  const engine = sqliteEngine(here)

  return {
    ...sqlStore(engine),
    version: () => here().counters().version,
    lastBlock: () => here().counters().blocks,
    open,
    close,
    async status() {
      const schema = await schemaOf(here().kysely, file)
      return { schema, latest: latestSchema, store: 'sqlite', counts: await countRows(engine) }
    },
  }
}

function sqliteEngine(here: () => SqliteConnection): Engine {
  const db = sqliteBuilder()
  const moving = {
    version: statement(() => moveCounter(db, 'version')),
    blocks: statement(() => moveCounter(db, 'blocks')),
  }
  function* move(counter: CounterName): Steps<number> {
    const [moved] = yield* run(moving[counter], {})
    return moved?.value ?? 0
  }
  const commit = async <T>(steps: () => Steps<T>) => {
    const { writer, rows } = here()
    return writer.write(() => drive(steps(), rows))
  }
  return {
    db,
    ask<Values, Row>(wanted: Statement<Values, Row>, values: Values) {
      const parameters = wanted.parameters(values)
      return isStorable(parameters) ? (here().rows(wanted.sql, parameters) as Row[]) : []
    },
    write: (wanted, values) => commit(() => run(wanted, values)),
    commit,
    move,
    change: (steps) =>
      commit(function* () {
        yield* move('version')
        return yield* steps()
      }),
  }
}

/** Takes the steps without a pause, in the transaction that is open. */
function drive<T>(steps: Steps<T>, rows: SqliteConnection['rows']): T {
  let step = steps.next()
  while (step.done !== true) {
    const { statement: wanted, parameters } = step.value
    refuseUnstorable(parameters)
    step = steps.next(rows(wanted.sql, parameters))
  }
  return step.value
}
