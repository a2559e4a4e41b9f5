import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { openStore, type Store } from '../../lib/store'
import { describeWithPostgres, startPostgres, type TestPostgres } from '../support/postgres'

const program = join(__dirname, '../support/store-process.cjs')
const now = 1_750_000_000_000
const expires = now + 1_000_000

describe('SQLite', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'processes-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  processContract(async () => `sqlite:${join(dir, 'a.db')}`)

  test('on a full disk writing is 503, reading goes on, and all is well when there is room again', async () => {
    const url = `sqlite:${join(dir, 'a.db')}`
    const full = `trap '' XFSZ; ulimit -f 600; exec "$0" "$@"`
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      full,
      process.execPath,
      program,
      url,
      'fill',
    ])
    expect(JSON.parse(stdout)).toEqual({ status: 503, reason: 'store_failed', kept: true })
    const store = await openStore(url)
    expect(await store.seen('key 0', expires, now)).toBe(true)
    expect(await store.seen('one more', expires, now)).toBe(false)
    await store.close()
  })
})

describeWithPostgres('PostgreSQL', () => {
  let postgres: TestPostgres
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres.stop())

  processContract(() => postgres.createDatabase())
})

/** What holds between real processes (security.md, cases 95 and 96, faults F1, F2 and F14). */
function processContract(emptyDatabase: () => Promise<string>): void {
  const children: ChildProcess[] = []

  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })

  /** A process on the store and the lines that it says. */
  function start(url: string, ...args: string[]) {
    const child = spawn(process.execPath, [program, url, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    children.push(child)
    const lines = createInterface({ input: child.stdout })
    const ended = once(child, 'exit').then(([code]) => code as number | null)
    return { child, lines, next: async () => String((await once(lines, 'line'))[0]), ended }
  }

  async function withStore<T>(url: string, work: (store: Store) => Promise<T>): Promise<T> {
    const store = await openStore(url)
    try {
      return await work(store)
    } finally {
      await store.close()
    }
  }

  test('of four processes that start on an empty database one migrates, the others wait', async () => {
    const url = await emptyDatabase()
    const started = Array.from({ length: 4 }, () => start(url, 'open'))
    expect(await Promise.all(started.map(({ next }) => next()))).toEqual(Array(4).fill('open'))
    for (const { child } of started) child.stdin?.end()
    expect(await Promise.all(started.map(({ ended }) => ended))).toEqual(Array(4).fill(0))
  })

  test('of two processes that spend 200 tokens four times each, each token has one winner', async () => {
    const url = await emptyDatabase()
    await withStore(url, async (store) => {
      await store.insertClient(client)
      await Promise.all(Array.from({ length: 200 }, (_, n) => store.commitIssue(grantOf(n))))
    })
    const racers = [start(url, 'race', '200'), start(url, 'race', '200')]
    await Promise.all(racers.map(({ next }) => next()))
    const results = racers.map(({ next }) => next())
    for (const { child } of racers) child.stdin?.end()
    const winners = (await Promise.all(results)).flatMap((line) => JSON.parse(line) as number[])
    expect(winners.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => n))
  })

  test('a process that is killed while it rotates has lost no token that it had answered', async () => {
    const url = await emptyDatabase()
    await withStore(url, (store) => store.insertClient(client))
    for (let round = 0; round < 4; round++) {
      const { child, lines } = start(url, 'rotate')
      let last = ''
      let count = 0
      const killAt = 20 + Math.floor(Math.random() * 200)
      lines.on('line', (line) => {
        last = line
        if (++count === killAt) child.kill('SIGKILL')
      })
      await once(child, 'close')
      await withStore(url, async (store) => {
        const answered = await store.findRefreshToken(last)
        expect(answered).toBeDefined()
        // The one after it may have been stored without having been answered, and no other.
        const at = Number(last.split('-').at(-1))
        const after = last.replace(/\d+$/, String(at + 1))
        const successor = await store.findRefreshToken(after)
        expect(answered?.used === undefined).toBe(successor === undefined)
        const newest = successor?.digest ?? last
        expect(await store.commitIssue({ consumes: { refresh_token: newest }, now })).toBe(true)
      })
    }
  })
}

const client = {
  client_id: 'a',
  client_name: 'a',
  token_endpoint_auth_method: 'mtls-secret',
  grant_types: [],
  scope: '',
  redirect_uris: [],
  resources: [],
  resource_server: undefined,
  jwks: undefined,
  without_certificate: false,
  tls_identity: undefined,
  registration: undefined,
  disabled: false,
  created: now,
  secrets: [],
  certificates: [],
}

function grantOf(n: number) {
  const grant_id = `grant-${n}`
  return {
    grant: {
      grant_id,
      client_id: 'a',
      sub: 'a',
      scope: '',
      resources: [],
      claims: '{}',
      created: now,
      expires,
      revoked: undefined,
    },
    refresh_token: { digest: `token-${n}`, grant_id, created: now, expires, used: undefined },
    now,
  }
}
