import { chmodSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openStore, type Store, sqliteStore } from '../../../lib/store'
import { openSqlite } from '../../../lib/store/sqlite-driver'

let dir: string
let file: string
const opened: Store[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sqlite-'))
  file = join(dir, 'a.db')
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await rm(dir, { recursive: true })
})

async function open(path = file): Promise<Store> {
  const store = sqliteStore(path)
  await store.open()
  opened.push(store)
  return store
}

/** Speaks to the file past the store. */
async function sql(...statements: string[]): Promise<unknown[][]> {
  const database = await openSqlite(file)
  const results = statements.map((text) => {
    const prepared = database.prepare(text)
    return prepared.reader ? prepared.all([]) : [prepared.run([])]
  })
  database.close()
  return results
}

const modeOf = (path: string) => statSync(path).mode & 0o777

describe('the file', () => {
  test.each([0o000, 0o022, 0o777])('is its owner’s alone, with umask %i', async (umask) => {
    const before = process.umask(umask)
    try {
      const store = await open()
      await store.seen('k', 1, 0)
    } finally {
      process.umask(before)
    }
    for (const path of [file, `${file}-wal`, `${file}-shm`]) expect(modeOf(path)).toBe(0o600)
  })

  test('is closed to others when it was open to them', async () => {
    writeFileSync(file, '')
    chmodSync(file, 0o644)
    await open()
    expect(modeOf(file)).toBe(0o600)
    expect(modeOf(`${file}-wal`)).toBe(0o600)
  })

  test('gets the folder that it needs, for its owner alone', async () => {
    await open(join(dir, 'new/deep/a.db'))
    expect(modeOf(join(dir, 'new'))).toBe(0o700)
  })

  test('is not touched before it is opened', async () => {
    sqliteStore(file)
    expect(() => statSync(file)).toThrow()
  })

  test('keeps what was stored when it is opened again', async () => {
    const first = await open()
    await first.activateKey({ kid: 'k', alg: 'ES256' }, 1, 1)
    await first.close()
    expect(await (await open()).listKeys()).toHaveLength(1)
  })

  test('is written in WAL mode with a flush for each commit, unless asked otherwise', async () => {
    await open()
    expect(await sql('pragma journal_mode')).toEqual([[{ journal_mode: 'wal' }]])
  })
})

describe('a file that can’t be used is told in one line', () => {
  const refused = async (problem: RegExp) => {
    const opening = openStore(`sqlite:${file}`)
    await expect(opening).rejects.toMatchObject({ name: 'SetupError' })
    await expect(opening).rejects.toThrow(problem)
    await opening.catch((error: Error) => expect(error.message).not.toContain('\n'))
  }

  test('refuses what is no database', async () => {
    writeFileSync(
      file,
      'this is a text, and a rather long one so that SQLite looks at it'.repeat(20),
    )
    await refused(/a\.db is not a whole SQLite database.*Restore a backup/)
  })

  test('refuses a truncated database', async () => {
    const store = await open()
    for (let i = 0; i < 200; i++) await store.seen(`key ${i}`, 1, 0)
    await store.close()
    truncateSync(file, statSync(file).size - 4096 * 3)
    await refused(/is not a whole SQLite database/)
  })

  test('refuses a folder', async () => {
    mkdirSync(file)
    await refused(/cannot be opened/)
  })

  test('refuses a database in memory, which could not be shared', async () => {
    await expect(openStore('sqlite::memory:')).rejects.toThrow(/memory:/)
  })

  test('refuses a file that it may not write', async () => {
    await (await open()).close()
    chmodSync(file, 0o444)
    chmodSync(dir, 0o555)
    await asNobody(() => refused(/cannot be written.*Let the user of this process/))
    chmodSync(dir, 0o755)
  })

  test('refuses a database that a newer program has written, and leaves it alone', async () => {
    await (await open()).close()
    await sql(`insert into kysely_migration values ('999', 'later')`)
    await refused(/has schema 999, this program knows up to \d+.*newer version/)
    await refused(/has schema 999/)
  })

  test('refuses a database in which tables were made and never finished', async () => {
    await sql('create table client (client_id text primary key)')
    await refused(/neither empty nor whole/)
    expect(await sql(`select name from sqlite_master where type = 'table'`)).toEqual([
      [{ name: 'client' }],
    ])
  })

  test('refuses a database that lacks a table or a column of its schema', async () => {
    await (await open()).close()
    await sql('alter table session drop column auth_time')
    await refused(/neither empty nor whole.*auth_time/)
    await sql('drop table session')
    await refused(/neither empty nor whole.*session/)
  })

  test('refuses an unknown URL and a SQLite URL with a host', async () => {
    await expect(openStore('mysql://x')).rejects.toThrow(/"mysql".*sqlite:PATH/)
    await expect(openStore('sqlite://data/a.db')).rejects.toThrow(/sqlite:data\/a\.db/)
  })
})

describe('a lock that another process holds', () => {
  test('is waited for without stopping the event loop, and reading goes on', async () => {
    const store = await open()
    const holder = await openSqlite(file)
    holder.prepare('begin immediate').run([])
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const writing = store.seen('k', 10, 0)
    for (let i = 0; i < 20; i++) {
      expect(await store.findClient('a')).toBeUndefined()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    delay.disable()
    holder.prepare('rollback').run([])
    expect(await writing).toBe(false)
    expect(delay.max / 1e6).toBeLessThan(100)
    holder.close()
  })

  test('is given up after a while with 503, and what was asked is not written later', async () => {
    const store = await open()
    const holder = await openSqlite(file)
    holder.prepare('begin immediate').run([])
    await expect(store.seen('k', 10, 0)).rejects.toMatchObject({ status: 503 })
    holder.prepare('rollback').run([])
    expect(await store.seen('k', 10, 0)).toBe(false)
    holder.close()
  })
})

test('a failing look-up is 503, never "not found"', async () => {
  const store = await open()
  await sql('drop table client_secret')
  expect(() => store.findClient('a')).toThrow(
    expect.objectContaining({ status: 503, reason: 'store_failed' }),
  )
  await expect(store.listClients()).rejects.toMatchObject({ status: 503 })
})

test('a store that is closed, or not yet open, refuses', async () => {
  const store = sqliteStore(file)
  await expect(store.findAccount('a')).rejects.toMatchObject({ status: 503 })
  await store.open()
  await store.close()
  await expect(store.seen('k', 1, 0)).rejects.toMatchObject({ status: 503 })
  expect(() => store.version()).toThrow(expect.objectContaining({ status: 503 }))
})

test('an answer with nothing to write opens no transaction', async () => {
  const store = await open()
  const holder = await openSqlite(file)
  holder.prepare('begin immediate').run([])
  expect(await store.commitIssue({ now: 0 })).toBe(true)
  holder.close()
})

/** Does it with the rights of nobody in particular, where we are root. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return work()
  process.setegid?.(65534)
  process.seteuid?.(65534)
  try {
    await work()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}
