import { createServer, type Server, type Socket } from 'node:net'
import { Client } from 'pg'
import { openStore, postgresStore, type Store } from '../../../lib/store'
import { latestSchema } from '../../../lib/store/schema'
import { describeWithPostgres, startPostgres, type TestPostgres } from '../../support/postgres'
import { type TcpProxy, tcpProxy } from '../../support/tcp-proxy'

describeWithPostgres('PostgreSQL', () => {
  let postgres: TestPostgres
  let url: string
  const opened: Store[] = []

  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres.stop())
  beforeEach(async () => {
    url = await postgres.createDatabase()
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()))
  })

  async function open(at = url): Promise<Store> {
    const store = await openStore(at)
    opened.push(store)
    return store
  }

  /** Speaks to the database past the store. */
  async function sql(...statements: string[]): Promise<Record<string, unknown>[][]> {
    const client = new Client(url)
    await client.connect()
    const results: Record<string, unknown>[][] = []
    for (const text of statements) results.push((await client.query(text)).rows)
    await client.end()
    return results
  }

  describe('schema', () => {
    test('of six that start on an empty database one migrates, the others wait', async () => {
      const stores = await Promise.all(Array.from({ length: 6 }, () => open()))
      for (const store of stores) expect((await store.status()).schema).toBe(latestSchema)
      expect((await sql('select name from kysely_migration'))[0]).toHaveLength(latestSchema)
    })

    test('refuses a database that a newer program has written', async () => {
      await open()
      await sql(`insert into kysely_migration values ('999', 'later')`)
      await expect(openStore(url)).rejects.toThrow(/has schema 999, this program knows up to/)
    })

    test('refuses a database in which tables were made and never finished, and leaves it alone', async () => {
      await sql('create table client (client_id text primary key)')
      await expect(openStore(url)).rejects.toThrow(/neither empty nor whole/)
      const [tables] = await sql(`select tablename from pg_tables where schemaname = 'public'`)
      expect(tables?.map((row) => row.tablename)).not.toContain('account')
    })

    test('refuses a database that lacks a column of its schema', async () => {
      await open()
      await sql('alter table session drop column auth_time')
      await expect(openStore(url)).rejects.toThrow(/neither empty nor whole.*auth_time/)
    })

    test('says in one line, without the password, that a database is not there', async () => {
      const missing = openStore(url.replace(/tester@(.*)\/.*/, 'tester:canary@$1/nowhere'))
      await expect(missing).rejects.toMatchObject({ name: 'SetupError' })
      await expect(missing).rejects.toThrow(/127\.0\.0\.1:\d+\/nowhere.*does not exist/)
      await expect(missing).rejects.not.toThrow(/canary|\n/)
    })

    test('says in one line that a server is not there', async () => {
      await expect(openStore('postgres://127.0.0.1:1/mtls')).rejects.toThrow(/ECONNREFUSED/)
    })
  })

  test('answers times and counts as numbers, and leaves other users of pg their strings', async () => {
    const store = await open()
    await store.activateKey({ kid: 'k', alg: 'ES256' }, 1_750_000_000_000, 1)
    expect((await store.listKeys())[0]?.created).toBe(1_750_000_000_000)
    expect(await sql('select created from signing_key')).toEqual([[{ created: '1750000000000' }]])
  })

  test('is 503 while the server is gone, lives on, and works with the first request after', async () => {
    const store = await open()
    await Promise.all(Array.from({ length: 10 }, (_, i) => store.seen(`warm ${i}`, 9, 0)))
    const before = store.version()
    const inFlight = Promise.allSettled(
      Array.from({ length: 40 }, (_, i) => store.seen(`k${i}`, 9, 0)),
    )
    await postgres.crash()
    for (const outcome of await inFlight) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ status: 503 })
    }
    await expect(store.findClient('a')).rejects.toMatchObject({
      status: 503,
      reason: 'store_failed',
      headers: { 'retry-after': '1' },
    })
    await expect(store.ping()).rejects.toMatchObject({ status: 503 })
    expect(store.version()).not.toBe(before)
    expect(isSteady(store)).toBe(false)
    await postgres.start()
    expect(await store.findClient('a')).toBeUndefined()
    expect(await store.seen('warm 0', 9, 0)).toBe(true)
    await until(() => isSteady(store))
  })

  test('a listener whose connection is ended is believed again when it is back', async () => {
    const store = await open()
    const other = await open()
    const before = store.version()
    await sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query ilike '%counter%' and pid <> pg_backend_pid()`,
    )
    await until(() => store.version() !== before)
    await until(() => isSteady(store))
    const back = store.version()
    await other.activateKey({ kid: 'k', alg: 'ES256' }, 1, 1)
    await until(() => store.version() !== back)
  })

  test('a change is known to the others within a second without any notification', async () => {
    const store = await open()
    await until(() => isSteady(store))
    const before = store.version()
    await sql(`update counter set value = value + 1`)
    await until(() => store.version() !== before)
  })

  test('a change notifies the others, who need not ask', async () => {
    const store = await open()
    const listener = new Client(url)
    await listener.connect()
    await listener.query('listen mtls_secret')
    const told = new Promise((resolve) => listener.once('notification', resolve))
    await store.activateKey({ kid: 'k', alg: 'ES256' }, 1, 1)
    expect(await told).toMatchObject({ payload: 'version 1' })
    await until(() => isSteady(store))
    const before = store.version()
    await listener.query(`notify mtls_secret, 'version 77'`)
    await until(() => store.version() !== before)
    await listener.end()
  })

  describe('a server that falls silent', () => {
    let proxy: TcpProxy
    let store: Store

    beforeEach(async () => {
      proxy = await tcpProxy(Number(new URL(url).port))
      const { pathname } = new URL(url)
      store = await open(`postgres://tester@127.0.0.1:${proxy.port}${pathname}`)
    })
    afterEach(() => proxy.close())

    test('is 503 within two seconds, on old connections and on new ones', async () => {
      await Promise.all([store.ping(), store.ping()])
      proxy.silence()
      const start = performance.now()
      const asked = Array.from({ length: 30 }, (_, i) => store.seen(`k${i}`, 9, 0))
      for (const outcome of await Promise.allSettled(asked)) {
        expect(outcome).toMatchObject({ reason: { status: 503 } })
      }
      expect(performance.now() - start).toBeLessThan(2400)
      proxy.resume()
      const answered = () =>
        store.ping().then(
          () => true,
          () => false,
        )
      await until(answered)
    })

    test('is not believed about changes after less than a second', async () => {
      await until(() => isSteady(store))
      proxy.silence()
      await until(() => !isSteady(store), 900)
    })

    test('lets no more wait than could be answered', async () => {
      proxy.silence()
      const asked = Array.from({ length: 600 }, () => store.ping())
      const outcomes = await Promise.allSettled(asked)
      const reasons = outcomes.map((outcome) =>
        outcome.status === 'rejected' ? outcome.reason.reason : 'answered',
      )
      expect(reasons.filter((reason) => reason === 'overloaded').length).toBeGreaterThan(50)
    })
  })
})

describe('a server that accepts and never answers', () => {
  let server: Server
  const sockets: Socket[] = []

  beforeEach(async () => {
    server = createServer((socket) => sockets.push(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  test('is told at the start, not waited for', async () => {
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const start = performance.now()
    const store = postgresStore(`postgres://127.0.0.1:${port}/mtls`)
    await expect(store.open()).rejects.toMatchObject({ name: 'SetupError' })
    expect(performance.now() - start).toBeLessThan(5000)
  })
})

test('tells what to install when the driver is missing', async () => {
  jest.doMock('pg', () => {
    throw Object.assign(new Error(`Cannot find module 'pg'`), { code: 'MODULE_NOT_FOUND' })
  })
  await expect(openStore('postgres://127.0.0.1:1/mtls')).rejects.toThrow(/npm install pg/)
  jest.dontMock('pg')
})

/** Whether what is cached under a version may be used again under the next. */
function isSteady(store: Store): boolean {
  const version = store.version()
  return store.version() === version
}

async function until(
  condition: () => boolean | PromiseLike<boolean>,
  patience = 1000,
): Promise<void> {
  const deadline = performance.now() + patience
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('It did not happen in time.')
    await new Promise((resolve) => setImmediate(resolve))
  }
}
