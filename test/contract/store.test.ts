import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { memoryStore, postgresStore, type Store, sqliteStore } from '../../lib/store'
import { tableNames } from '../../lib/store/tables'
import { describeWithPostgres, startPostgres, type TestPostgres } from '../support/postgres'
import { storeContract } from './store.contract'

storeContract('memory', async () => {
  const store = memoryStore()
  return { store, other: store, close: () => store.close() }
})

storeContract('SQLite', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'store-'))
  const file = join(dir, 'a.db')
  const [store, other] = [sqliteStore(file), sqliteStore(file)]
  await Promise.all([store.open(), other.open()])
  return {
    store,
    other,
    dump: async () =>
      (await Promise.all([file, `${file}-wal`].map((path) => readFile(path, 'latin1')))).join(),
    async close() {
      await Promise.all([store.close(), other.close()])
      await rm(dir, { recursive: true })
    },
  }
})

describeWithPostgres('with PostgreSQL', () => {
  let postgres: TestPostgres
  let client: Client
  let store: Store
  let other: Store

  beforeAll(async () => {
    postgres = await startPostgres()
    client = new Client(postgres.url)
    await client.connect()
    ;[store, other] = [postgresStore(postgres.url), postgresStore(postgres.url)]
    await Promise.all([store.open(), other.open()])
  })
  afterAll(async () => {
    await Promise.all([store.close(), other.close(), client.end()])
    await postgres.stop()
  })

  storeContract('PostgreSQL', async () => {
    const tables = tableNames.filter((name) => name !== 'counter').map((name) => `"${name}"`)
    await client.query(`truncate ${tables.join()}`)
    return {
      store,
      other,
      async dump() {
        const held: unknown[] = []
        for (const table of tables) held.push((await client.query(`select * from ${table}`)).rows)
        return JSON.stringify(held)
      },
      async close() {},
    }
  })
})
