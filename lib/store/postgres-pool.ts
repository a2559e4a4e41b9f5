import type { ClientConfig, Pool, PoolClient } from 'pg'
import { OAuthError } from '../error/oauth-error'
import { Conflict, overloaded, postgresFault, storeFault } from './fault'
import { patience } from './postgres-settings'
import type { Step } from './statement'

/** The module `pg`, or what stands for it in a test. */
export type Pg = typeof import('pg')

/** Connections to one database, bounded in number, in waiting and in time. */
export interface PostgresPool {
  readonly pool: Pool
  /**
   * Works with one connection. From the first wait to the last answer it takes `patience` at most,
   * also where the server accepts and stays silent. Failures come as an OAuthError.
   */
  with<T>(work: (query: Query) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export type Query = (query: string | Step) => Promise<readonly unknown[]>

export function postgresPool(pg: Pg, settings: ClientConfig, connections: number): PostgresPool {
  const pool = new pg.Pool({ ...settings, types: numbers(pg), max: connections })
  // An error that nobody listens to would end the process: a connection that dies in the pool, and
  // one that dies in use, whose query fails anyway.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return {
    pool,
    async with(work) {
      const deadline = performance.now() + patience
      if (pool.waitingCount >= queueSize) throw overloaded()
      const client = await pool.connect().catch((error: unknown) => {
        throw storeFault(error)
      })
      const query = querying(client, deadline)
      try {
        const result = await work(query)
        client.release()
        return result
      } catch (error) {
        // Only a connection that the server still answers on is used again.
        client.release(!isAnswer(error))
        throw error
      }
    },
    async close() {
      await Promise.race([pool.end(), wait(patience)])
    },
  }
}

/** Callers that may wait for a connection; more could not be answered in time. */
const queueSize = 500

function querying(client: PoolClient, deadline: number): Query {
  return async (query) => {
    // pg takes no limit below a millisecond: 0 would mean none.
    const query_timeout = Math.max(1, deadline - performance.now())
    const config =
      typeof query === 'string'
        ? { text: query, query_timeout }
        : {
            name: query.statement.name,
            text: query.statement.sql,
            values: query.parameters,
            query_timeout,
          }
    try {
      return (await client.query(config)).rows
    } catch (error) {
      throw translated(error)
    }
  }
}

/** PostgreSQL's bigint is a time or a count here, which a number holds. For our connections only. */
export function numbers({ types }: Pg): ClientConfig['types'] {
  const bigint = types.builtins.INT8
  return {
    getTypeParser: ((oid: number, format: 'text') =>
      oid === bigint ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
  }
}

function translated(error: unknown): OAuthError {
  const state = postgresFault(error)
  if (state?.startsWith('23')) return new Conflict(error)
  // What is too long for an index was sent by the caller.
  if (state === '54000') {
    return new OAuthError('invalid_request', { reason: 'parameter_too_long', cause: error })
  }
  return storeFault(error)
}

/** Whether the failure is one of the statement, told by a server that is well. */
function isAnswer(error: unknown): boolean {
  if (!(error instanceof OAuthError)) return true
  const state = postgresFault(error.cause)
  return error.cause === undefined || (state !== undefined && !/^(08|57P|58|XX)/.test(state))
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref())
}
