import { sql } from 'kysely'
import {
  type Failure,
  type FailureWindow,
  latestEnd,
  type ThrottleStore,
} from '../client/throttle-store'
import type { Engine } from './engine'
import { run, type Steps, statement } from './statement'

export function sqlFailures(engine: Engine): Omit<ThrottleStore, 'lastBlock'> {
  const { db } = engine

  const count = statement((values: { key: string; now: number; ends: number; latest: number }) =>
    db
      .insertInto('failure')
      .values({ key: values.key, failures: 1, expires: values.ends, blocked: null })
      .onConflict((on) =>
        on.column('key').doUpdateSet(() => {
          const over = sql`failure.expires <= ${values.now} or failure.expires > ${values.latest}`
          return {
            failures: sql<number>`case when ${over} then 1 else failure.failures + 1 end`,
            expires: sql<number>`case when ${over} then excluded.expires else failure.expires end`,
            blocked: sql<null>`case when ${over} then null else failure.blocked end`,
          }
        }),
      )
      .returning(['failures', 'expires', 'blocked']),
  )
  const block = statement((values: { key: string; blocked: number }) =>
    db.updateTable('failure').set({ blocked: values.blocked }).where('key', '=', values.key),
  )
  const after = statement((values: { number: number; limit: number }) =>
    db
      .selectFrom('failure')
      .select(['key', 'expires', 'blocked'])
      .where('blocked', '>', values.number)
      .orderBy('blocked')
      .limit(values.limit),
  )
  const forget = statement((values: { before: number; limit: number }) =>
    db
      .deleteFrom('failure')
      .where('key', 'in', (from) =>
        from
          .selectFrom('failure as ended')
          .select('ended.key')
          .where('ended.expires', '<', values.before)
          .limit(values.limit),
      )
      .returning('key'),
  )

  function* counting(failure: Failure): Steps<FailureWindow> {
    const { key, now, window, limit } = failure
    const counted = { key, now, ends: now + window, latest: latestEnd(failure) }
    const [row = { failures: 1, expires: now + window, blocked: null }] = yield* run(count, counted)
    if (row.failures >= limit && row.blocked === null) {
      yield* run(block, { key, blocked: yield* engine.move('blocks') })
    }
    return { failures: row.failures, ends: row.expires }
  }

  return {
    countFailure: async (failure) => engine.commit(() => counting(failure)),
    async blockedAfter(number, limit) {
      const rows = await engine.ask(after, { number, limit })
      return rows.map(({ key, expires, blocked }) => ({
        key,
        ends: expires,
        blocked: blocked ?? 0,
      }))
    },
    async forgetFailures(before, limit) {
      return (await engine.write(forget, { before, limit })).length
    },
  }
}
