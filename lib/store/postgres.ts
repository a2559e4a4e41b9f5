import { sql } from 'kysely'
import type { Issue, RefreshToken } from '../token/token-store'
import { postgresBuilder } from './builder'
import { holding } from './connection'
import type { CounterName, Engine } from './engine'
import { connectPostgres, type PostgresConnection } from './postgres-connection'
import type { Query } from './postgres-pool'
import { withoutPassword } from './postgres-settings'
import { channel, newsOf } from './postgres-watch'
import { latestSchema, schemaOf } from './schema'
import { countRows, moveCounter, sqlStore } from './sql-store'
import { spendRefreshToken, unlessConflict } from './sql-tokens'
import { run, type Statement, type Steps, statement } from './statement'
import type { Store } from './store'
import { isStorable, refuseUnstorable } from './text'

export interface PostgresOptions {
  /** Connections that this process holds at most, beside one to listen on. Default: 10. */
  connections?: number
}

/**
 * A store for many machines. Nothing is touched before `open()`, which throws SetupError for a
 * database that can't be used.
 *
 * @example
 * const store = postgresStore('postgres://mtls@db.example/mtls')
 * await store.open()
 */
export function postgresStore(url: string, options: PostgresOptions = {}): Store {
  const { here, open, close } = holding(() => connectPostgres(url, options.connections ?? 10))
  const engine = postgresEngine(here)
  const store = sqlStore(engine)
  const rotate = rotation(engine)

  return {
    ...store,
    version: () => here().watch.version(),
    lastBlock: () => here().watch.blocks(),
    async commitIssue(issue) {
      return isRotation(issue) ? rotate(issue) : store.commitIssue(issue)
    },
    open,
    close,
    async status() {
      const schema = await schemaOf(here().kysely, withoutPassword(url))
      return { schema, latest: latestSchema, store: 'postgres', counts: await countRows(engine) }
    },
  }
}

function postgresEngine(here: () => PostgresConnection): Engine {
  const db = postgresBuilder()
  const moving = {
    version: statement(() => moveCounter(db, 'version')),
    blocks: statement(() => moveCounter(db, 'blocks')),
  }
  const tell = statement((values: { news: string }) =>
    db.selectNoFrom(sql`pg_notify(${channel}, ${values.news}::text)`.as('told')),
  )
  function* move(counter: CounterName): Steps<number> {
    const [moved] = yield* run(moving[counter], {})
    const value = moved?.value ?? 0
    yield* run(tell, { news: newsOf(counter, value) })
    return value
  }
  const once = async <Values, Row>(wanted: Statement<Values, Row>, parameters: unknown[]) => {
    const step = { statement: wanted, parameters }
    return (await here().pool.with((query) => query(step))) as readonly Row[]
  }
  const commit = async <T>(steps: () => Steps<T>) =>
    here().pool.with((query) => inTransaction(query, steps))
  return {
    db,
    async ask(wanted, values) {
      const parameters = wanted.parameters(values)
      return isStorable(parameters) ? once(wanted, parameters) : []
    },
    async write(wanted, values) {
      const parameters = wanted.parameters(values)
      refuseUnstorable(parameters)
      return once(wanted, parameters)
    },
    commit,
    move,
    async change(steps) {
      const { watch } = here()
      let counter: number | undefined
      try {
        const result = await commit(function* () {
          counter = yield* move('version')
          return yield* steps()
        })
        // The notification comes too; the next request of this process need not wait for it.
        watch.changed(counter)
        return result
      } catch (error) {
        // Of a failed commit it is not known whether it was one.
        watch.changed(undefined)
        throw error
      }
    },
  }
}

async function inTransaction<T>(query: Query, steps: () => Steps<T>): Promise<T> {
  await query('begin')
  try {
    const taken = steps()
    let step = taken.next()
    while (step.done !== true) {
      refuseUnstorable(step.value.parameters)
      step = taken.next(await query(step.value))
    }
    await query('commit')
    return step.value
  } catch (error) {
    await query('rollback')
    throw error
  }
}

/**
 * The hottest change in one statement, hence one way to the database and back instead of four:
 * nothing is spent without its successor being stored.
 */
function rotation({ db, write }: Engine): (issue: Rotation) => Promise<boolean> {
  const rotate = statement((values: { spent: string; now: number } & RefreshToken) =>
    db
      .with('spent', (from) => spendRefreshToken(from, { digest: values.spent, now: values.now }))
      .insertInto('refresh_token')
      .columns(['digest', 'grant_id', 'created', 'expires'])
      .expression((from) =>
        from
          .selectFrom('spent')
          .select([
            sql<string>`${values.digest}::text`.as('digest'),
            'spent.grant_id',
            sql<number>`${values.created}::bigint`.as('created'),
            sql<number>`${values.expires}::bigint`.as('expires'),
          ]),
      )
      .returning('digest'),
  )
  return ({ consumes, refresh_token, now }) =>
    unlessConflict(
      write(rotate, { ...refresh_token, spent: consumes.refresh_token, now }).then(
        ([rotated]) => rotated !== undefined,
      ),
    )
}

type Rotation = Issue & { consumes: { refresh_token: string }; refresh_token: RefreshToken }

function isRotation(issue: Issue): issue is Rotation {
  const { consumes, grant, refresh_token } = issue
  return (
    consumes !== undefined && 'refresh_token' in consumes && refresh_token !== undefined && !grant
  )
}
