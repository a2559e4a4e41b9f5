import type { KeyRecord, KeyStore } from '../token/key-store'
import type { Engine } from './engine'
import { run, type Steps, statement } from './statement'
import { columns, type SigningKeyRow } from './tables'

export function sqlKeys(engine: Engine): KeyStore {
  const { db } = engine

  const list = statement(() =>
    db
      .selectFrom('signing_key')
      .select(columns.signing_key)
      .orderBy('created', 'desc')
      .orderBy('kid'),
  )
  const replaceOthers = statement((values: { kid: string; now: number; until: number }) =>
    db
      .updateTable('signing_key')
      .set({ replaced: values.now, published_until: values.until })
      .where('kid', '<>', values.kid)
      .where('replaced', 'is', null),
  )
  const activate = statement((values: { kid: string; alg: string; now: number }) =>
    db
      .insertInto('signing_key')
      .values({
        kid: values.kid,
        alg: values.alg,
        created: values.now,
        replaced: null,
        published_until: null,
      })
      .onConflict((on) => on.column('kid').doUpdateSet({ replaced: null, published_until: null })),
  )

  function* activating(kid: string, alg: string, now: number, overlap: number): Steps<void> {
    yield* run(replaceOthers, { kid, now, until: now + overlap })
    yield* run(activate, { kid, alg, now })
  }

  return {
    listKeys: async () => (await engine.ask(list, {})).map(keyOf),
    activateKey: ({ kid, alg }, now, overlap) =>
      engine.change(() => activating(kid, alg, now, overlap)),
  }
}

function keyOf(row: SigningKeyRow): KeyRecord {
  return {
    kid: row.kid,
    alg: row.alg,
    created: row.created,
    replaced: row.replaced ?? undefined,
    published_until: row.published_until ?? undefined,
  }
}
