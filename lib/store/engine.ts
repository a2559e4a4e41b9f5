import type { Kysely } from 'kysely'
import type { MaybePromise } from '../client/client-store'
import type { Statement, Steps } from './statement'
import type { Tables } from './tables'

/** `version` moves with clients, accounts and keys, `blocks` with each key that is blocked. */
export type CounterName = 'version' | 'blocks'

/**
 * What the SQL of the rooms needs of a database, and all in which SQLite and PostgreSQL differ for
 * it. Each failure of the database is an OAuthError, each broken constraint a `Conflict`.
 */
export interface Engine {
  /** Builds SQL for this engine; never runs any. */
  readonly db: Kysely<Tables>
  /** One statement that reads. Finds nothing where a value is one that can't be stored. */
  ask<Values, Row>(statement: Statement<Values, Row>, values: Values): MaybePromise<readonly Row[]>
  /** One statement that writes, durable when it is answered. */
  write<Values, Row>(statement: Statement<Values, Row>, values: Values): Promise<readonly Row[]>
  /** Several in one transaction; a throw undoes them. The steps may be taken more than once. */
  commit<Result>(steps: () => Steps<Result>): Promise<Result>
  /** Moves a counter that every process looks at; others that move it wait for the commit. */
  move(counter: CounterName): Steps<number>
  /** The same for clients, accounts and keys: one at a time over all processes, and `version` moves. */
  change<Result>(steps: () => Steps<Result>): Promise<Result>
}
