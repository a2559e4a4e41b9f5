/** A look into a database as it is: nothing in it is made, migrated or written. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareClient } from '../../../lib/client/new-client'
import { openStore } from '../../../lib/store'
import { peekClients } from '../../../lib/store/peek'
import { openSqlite } from '../../../lib/store/sqlite-driver'
import { describeWithPostgres, startPostgres, type TestPostgres } from '../../support/postgres'

const folder = mkdtempSync(join(tmpdir(), 'peek-'))
const file = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

async function given(url: string): Promise<void> {
  const store = await openStore(url)
  for (const client_id of ['a', 'b']) {
    const client = { client_id, token_endpoint_auth_method: 'client_secret_post' }
    await store.insertClient((await prepareClient(client, 1)).record)
  }
  await store.close()
}

const two = {
  clients: [
    expect.objectContaining({
      token_endpoint_auth_method: 'client_secret_post',
      clients: 2,
      first: [
        expect.objectContaining({ client_id: 'a' }),
        expect.objectContaining({ client_id: 'b' }),
      ],
    }),
  ],
}

describe('SQLite', () => {
  test('counts the clients that are there', async () => {
    await given(`sqlite:${file('two.db')}`)
    expect(await peekClients(`sqlite:${file('two.db')}`)).toEqual(two)
  })

  test('makes no file, and none beside one', async () => {
    const before = readdirSync(folder)
    expect(await peekClients(`sqlite:${file('none.db')}`)).toEqual({
      unknown: 'There is no database yet.',
    })
    expect(readdirSync(folder)).toEqual(before)
  })

  test('leaves an older schema as it is', async () => {
    await given(`sqlite:${file('old.db')}`)
    const database = await openSqlite(file('old.db'))
    const latest = 'select max(name) from kysely_migration'
    database.prepare(`delete from kysely_migration where name = (${latest})`).run([])
    database.close()
    const before = readFileSync(file('old.db'))
    expect(await peekClients(`sqlite:${file('old.db')}`)).toEqual({
      unknown: expect.stringMatching(
        /^The database has schema \d+; the server's start migrates it\.$/,
      ),
    })
    expect(readFileSync(file('old.db')).equals(before)).toBe(true)
  })

  test('tells why it can’t be read', async () => {
    writeFileSync(
      file('text.db'),
      'this is no database, but long enough to look like one'.repeat(100),
    )
    expect(await peekClients(`sqlite:${file('text.db')}`)).toEqual({
      unknown: expect.stringMatching(/^The database can't be read: /),
    })
  })
})

test('a store in memory can’t be looked into', async () => {
  expect(await peekClients('memory:')).toEqual({ unknown: 'The database is in memory.' })
})

describeWithPostgres('PostgreSQL', () => {
  let postgres: TestPostgres
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres.stop())

  test('tells an empty database from one with clients', async () => {
    expect(await peekClients(postgres.url)).toEqual({ unknown: 'The database is empty.' })
    await given(postgres.url)
    expect(await peekClients(postgres.url)).toEqual(two)
  })

  test('tells that nobody answers', async () => {
    expect(await peekClients('postgres://nobody@127.0.0.1:1/none')).toEqual({
      unknown: expect.stringMatching(/^The database can't be read: /),
    })
  })
})
