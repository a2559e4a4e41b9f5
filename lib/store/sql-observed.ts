import { sql } from 'kysely'
import type { Observed, ObservedStore } from '../client/observed'
import type { Engine } from './engine'
import { run, type Steps, statement } from './statement'
import { slices } from './uses'

export function sqlObserved(engine: Engine): ObservedStore {
  const { db } = engine

  const add = statement((values: Observed) =>
    db
      .insertInto('observed')
      .columns(['client_id', 'reason', 'since', 'last', 'times'])
      .expression((from) =>
        from
          .selectFrom('client')
          .select([
            'client.client_id',
            sql<string>`cast(${values.reason} as text)`.as('reason'),
            sql<number>`cast(${values.since} as bigint)`.as('since'),
            sql<number>`cast(${values.last} as bigint)`.as('last'),
            sql<number>`cast(${values.times} as bigint)`.as('times'),
          ])
          .where('client.client_id', '=', values.client_id),
      )
      .onConflict((on) =>
        on.columns(['client_id', 'reason']).doUpdateSet({
          since: sql<number>`case when excluded.since < observed.since then excluded.since else observed.since end`,
          last: sql<number>`case when excluded.last > observed.last then excluded.last else observed.last end`,
          times: sql<number>`observed.times + excluded.times`,
        }),
      ),
  )
  const list = statement((values: { after: number }) =>
    db
      .selectFrom('observed')
      .selectAll()
      .where('last', '>=', values.after)
      .orderBy('last', 'desc')
      .orderBy('client_id')
      .orderBy('reason'),
  )

  function* adding(observed: readonly Observed[]): Steps<void> {
    for (const one of observed) yield* run(add, one)
  }

  return {
    async recordObserved(observed) {
      for (const slice of slices(inOneOrder(observed))) await engine.commit(() => adding(slice))
    },
    listObserved: async (after) => (await engine.ask(list, { after })).map((row) => ({ ...row })),
  }
}

/** For all processes, so that two of them that write at once wait for each other and not for ever. */
function inOneOrder(observed: readonly Observed[]): Observed[] {
  const key = ({ client_id, reason }: Observed) => JSON.stringify([client_id, reason])
  return [...observed].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}
