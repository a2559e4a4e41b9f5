import { sql } from 'kysely'
import type { Engine } from './engine'
import { statement } from './statement'

/**
 * Removes what has ended, a bounded number of rows at a time, each table in a transaction of its own.
 * A family of refresh tokens stays whole until its grant has ended, since a used one that comes back
 * must be known; then its tokens go before the grant, so that no single row takes thousands along.
 */
export function sqlSweep(engine: Engine): (before: number, limit: number) => Promise<number> {
  const { db } = engine

  const sweeps = [
    statement((values: Bounds) =>
      db
        .deleteFrom('refresh_token')
        .where('digest', 'in', (from) =>
          from
            .selectFrom('grant')
            .innerJoin('refresh_token as member', 'member.grant_id', 'grant.grant_id')
            .select('member.digest')
            .where('grant.expires', '<', values.before)
            .limit(values.limit),
        )
        .returning('digest'),
    ),
    statement((values: Bounds) =>
      db
        .deleteFrom('grant')
        .where('grant_id', 'in', (from) =>
          from
            .selectFrom('grant as ended')
            .select('ended.grant_id')
            .where('ended.expires', '<', values.before)
            .where((on) =>
              on.not(
                on.exists(
                  on
                    .selectFrom('refresh_token')
                    .select('refresh_token.digest')
                    .whereRef('refresh_token.grant_id', '=', 'ended.grant_id'),
                ),
              ),
            )
            .limit(values.limit),
        )
        .returning('grant_id'),
    ),
    ...['code', 'par', 'session', 'replay'].map((name) =>
      statement((values: Bounds) => {
        const table = sql.table(name)
        const ended = sql`select digest from ${table} where expires < ${values.before} limit ${values.limit}`
        return {
          compile: () =>
            sql`delete from ${table} where digest in (${ended}) returning digest`.compile(db),
        }
      }),
    ),
  ]

  return async (before, limit) => {
    let left = limit
    for (const sweep of sweeps) {
      if (left <= 0) break
      left -= (await engine.write(sweep, { before, limit: left })).length
    }
    return limit - left
  }
}

interface Bounds {
  before: number
  limit: number
}
