import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openStore, type Store } from '../../../lib/store'
import { copyStore } from '../../../lib/store/copy'
import { describeWithPostgres, startPostgres, type TestPostgres } from '../../support/postgres'

let dir: string

let filledFile: string

beforeAll(async () => {
  filledFile = join(await mkdtemp(join(tmpdir(), 'copy-')), 'from.db')
  await fill(`sqlite:${filledFile}`)
})
afterAll(() => rm(dirname(filledFile), { recursive: true }))

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'copy-'))
  await copyFile(filledFile, join(dir, 'from.db'))
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await rm(dir, { recursive: true })
})

const opened: Store[] = []

async function open(url: string): Promise<Store> {
  const store = await openStore(url, { synchronous: 'NORMAL' })
  opened.push(store)
  return store
}

const sqlite = (name: string) => `sqlite:${join(dir, name)}`

copying('SQLite', async () => sqlite('to.db'))

describeWithPostgres('with PostgreSQL', () => {
  let postgres: TestPostgres
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres.stop())

  copying('PostgreSQL', () => postgres.createDatabase())

  test('copies from PostgreSQL into SQLite with the same checksums as back again', async () => {
    const url = await postgres.createDatabase()
    const there = await copyStore(sqlite('from.db'), url)
    expect(await copyStore(url, sqlite('back.db'))).toEqual(there)
    expect(await contents(sqlite('back.db'))).toEqual(await contents(sqlite('from.db')))
  })
})

function copying(name: string, emptyDatabase: () => Promise<string>): void {
  describe(`a copy from SQLite to ${name}`, () => {
    test('has every row, byte for byte, and says how many', async () => {
      const to = await emptyDatabase()
      const report = await copyStore(sqlite('from.db'), to)
      expect(Object.fromEntries(report.map(({ table, rows }) => [table, rows]))).toMatchObject({
        client: 450,
        client_secret: 450,
        client_certificate: 450,
        account: 1,
        grant: 2,
        refresh_token: 2,
        code: 1,
        par: 1,
        session: 1,
        replay: 1,
        signing_key: 1,
      })
      for (const { checksum } of report) expect(checksum).toMatch(/^[0-9a-f]{64}$/)
      expect(await contents(to)).toEqual(await contents(sqlite('from.db')))
    })

    test('works as a store: a token of before can be spent, once', async () => {
      const to = await emptyDatabase()
      await copyStore(sqlite('from.db'), to)
      const store = await open(to)
      const spend = () => store.commitIssue({ consumes: { refresh_token: 'fresh' }, now })
      expect(await spend()).toBe(true)
      expect(await spend()).toBe(false)
      expect(await store.commitIssue({ consumes: { refresh_token: 'used' }, now })).toBe(false)
      expect(await store.isGrantRevoked('forgotten')).toBe(true)
      expect(await store.seen('key', now + 1, now)).toBe(true)
    })

    test('is refused into a database that has anything, which stays as it was', async () => {
      const to = await emptyDatabase()
      const store = await open(to)
      await store.activateKey({ kid: 'theirs', alg: 'ES256' }, 1, 1)
      await expect(copyStore(sqlite('from.db'), to)).rejects.toThrow(/not empty.*"signing_key"/)
      expect(await store.listClients()).toEqual([])
      expect(await store.listKeys()).toHaveLength(1)
    })

    test('moves the version of a process that has the copy open', async () => {
      const to = await emptyDatabase()
      const store = await open(to)
      const before = await store.version()
      await copyStore(sqlite('from.db'), to)
      const deadline = performance.now() + 1000
      while ((await store.version()) === before && performance.now() < deadline) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(await store.version()).not.toBe(before)
    })
  })
}

test('makes no source that is not there', async () => {
  await expect(copyStore(sqlite('nothing.db'), sqlite('to.db'))).rejects.toThrow(/no database/)
  expect(existsSync(join(dir, 'nothing.db'))).toBe(false)
  expect(existsSync(join(dir, 'to.db'))).toBe(false)
})

test('copies no store in memory', async () => {
  await expect(copyStore(sqlite('from.db'), 'memory:')).rejects.toThrow(/two databases/)
  await expect(copyStore('memory:', sqlite('to.db'))).rejects.toThrow(/two databases/)
})

const now = 1_750_000_000_000

/** A database with something in every table, and more clients than fit in one step. */
async function fill(url: string): Promise<void> {
  const store = await openStore(url, { synchronous: 'NORMAL' })
  const clients = Array.from({ length: 450 }, (_, i) =>
    store.insertClient({
      client_id: `client-${i}`,
      client_name: `näme 😀 ${i}`,
      token_endpoint_auth_method: 'mtls-secret',
      grant_types: ['client_credentials'],
      scope: '',
      redirect_uris: [],
      resources: [],
      resource_server: undefined,
      jwks: i % 2 ? undefined : '{}',
      without_certificate: i % 3 === 0,
      tls_identity: undefined,
      registration: undefined,
      disabled: false,
      created: now + i,
      secrets: [{ digest: `s${i}`, created: now, expires: undefined, last_used: i }],
      certificates: [
        { thumbprint: `t${i}`, der: randomBytes(99), subject: '', not_after: 1, last_used: i },
      ],
    }),
  )
  await Promise.all(clients)
  const account = { account_id: 'a', username: 'anna', password: 'p', disabled: true, created: now }
  await store.insertAccount(account)
  const token = { grant_id: 'g', created: now, expires: now + 99, used: undefined }
  const grant = {
    grant_id: 'g',
    client_id: 'client-0',
    sub: 'a',
    scope: '',
    resources: [],
    claims: '{}',
    created: now,
    expires: now + 99,
    revoked: undefined,
  }
  await store.commitIssue({ grant, refresh_token: { ...token, digest: 'used' }, now })
  await store.commitIssue({
    consumes: { refresh_token: 'used' },
    refresh_token: { ...token, digest: 'fresh' },
    now,
  })
  await store.revokeGrant('forgotten', now, now + 9)
  await store.insertCode({
    digest: 'c',
    grant_id: 'g2',
    client_id: 'client-1',
    sub: 'a',
    scope: '',
    resources: ['r'],
    redirect_uri: '',
    code_challenge: '',
    nonce: undefined,
    auth_time: now,
    expires: now + 9,
    used: undefined,
  })
  await store.insertPushedRequest({
    digest: 'p',
    client_id: 'client-1',
    parameters: '{}',
    expires: 1,
  })
  await store.insertSession({ digest: 's', account_id: 'a', auth_time: now, expires: now + 9 })
  await store.seen('key', now + 9, now)
  await store.activateKey({ kid: 'k', alg: 'ES256' }, now, 1)
  await store.close()
}

async function contents(url: string): Promise<unknown> {
  const store = await open(url)
  return {
    clients: await store.listClients(),
    account: await store.findAccount('anna'),
    fresh: await store.findRefreshToken('fresh'),
    used: await store.findRefreshToken('used'),
    code: await store.findCode('c'),
    session: await store.findSession('s', now),
    keys: await store.listKeys(),
    counts: (await store.status()).counts,
  }
}
