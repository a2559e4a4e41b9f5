/**
 * F13, F15 to F17, F19, F20: what can happen to a process, and what it may never become: one that
 * goes on in a state that nobody knows.
 */
import { execFile } from 'node:child_process'
import { chmod, copyFile, readFile, rename, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { openStore } from '../../lib/store'
import { digestOpaque } from '../../lib/token/opaque'
import type { Running } from '../support/process'
import { ask, secure } from '../unit/service/request'
import {
  type FaultyService,
  family,
  faultyService,
  keepAlive,
  listening,
  load,
  rounds,
  sqlite,
  tally,
  token,
  until,
  wait,
} from './service'

let service: FaultyService
afterEach(() => service.remove())

test('F13: code that computes for seconds is named in the log, and everybody is answered after it', async () => {
  service = await faultyService()
  const running = service.start()
  const url = await listening(running)
  const burnt = ask(`${url}/fault/burn/1600`, { method: 'POST' })
  await wait(300)
  const waiting = await Promise.all([1, 2, 3].map(() => token(url, service.a)))
  expect(waiting.map(({ status }) => status)).toEqual([200, 200, 200])
  expect((await burnt).status).toBe(200)
  const event = await running.next('process.stood_still')
  expect(event.level).toBe('warn')
  expect(Number(event.milliseconds)).toBeGreaterThan(1_000)
}, 30_000)

async function workersOf({ pid }: Running): Promise<number[]> {
  const { stdout } = await promisify(execFile)('pgrep', ['-P', String(pid)])
  return stdout.trim().split('\n').map(Number)
}

test('F15: a worker that is killed under load takes its own requests along and nothing else', async () => {
  service = await faultyService({ server: 'workers = 2' })
  const running = service.start()
  const url = await listening(running)
  const answered: string[] = []
  const under = load(6, async (agent) => {
    const answer = await token(url, service.a, family, agent)
    if (answer.status === 200) answered.push(String(answer.body.refresh_token))
    return answer
  })
  for (let kill = 0; kill < rounds(3, 20); kill++) {
    const before = answered.length
    await until(() => answered.length > before + 10)
    const [victim = 0] = await workersOf(running)
    process.kill(victim, 'SIGKILL')
    await running.next('worker.replaced')
    expect(await workersOf(running)).not.toContain(victim)
  }
  const samples = await under.stop()
  const counts = tally(samples)
  expect(Object.keys(counts).filter((status) => !['0', '200'].includes(status))).toEqual([])
  expect(counts[0] ?? 0).toBeLessThanOrEqual(6 * rounds(3, 20))
  const store = await openStore(service.database)
  for (const one of answered) {
    expect(await store.findRefreshToken(digestOpaque(one))).toBeDefined()
  }
  await store.close()
}, 900_000)

test('F16: SIGTERM under load: all that was asked is answered, and the process ends in time with 0', async () => {
  service = await faultyService()
  const running = service.start()
  const url = await listening(running)
  const slow = Array.from({ length: 10 }, () =>
    ask(`${url}/fault/slow/1500`, { agent: keepAlive() }),
  )
  const under = load(4, (agent) => token(url, service.a, {}, agent))
  await until(() => tally(under.samples)[200] !== undefined)
  await wait(500)
  const since = performance.now()
  running.signal('SIGTERM')
  for (const answer of await Promise.all(slow)) {
    expect(answer.status).toBe(200)
    expect(answer.headers.connection).toBe('close')
  }
  expect((await running.ended).code).toBe(0)
  expect(performance.now() - since).toBeLessThan(5_000)
  const counts = tally(await under.stop())
  // A status of 0 is a connection that was closed between two requests, or refused since.
  expect(Object.keys(counts).filter((status) => !['0', '200'].includes(status))).toEqual([])
}, 30_000)

test.each(['throw', 'reject'])(
  'F17: after a fault that nobody caught (%s) the process answers what it has, ends with 1, and a supervisor has another',
  async (kind) => {
    service = await faultyService({ server: 'workers = 2' })
    const running = service.start()
    const url = await listening(running)
    const { pid } = (await ask(`${url}/fault/${kind}`, { method: 'POST' })).body
    expect(await running.next('process.failed')).toMatchObject({ level: 'error' })
    expect(await running.next('worker.ended')).toMatchObject({ pid, code: 1 })
    await running.next('worker.replaced')
    expect(await workersOf(running)).not.toContain(pid)
    expect((await token(url, service.a)).status).toBe(200)
  },
  30_000,
)

test('F19: without file descriptors new connections wait or are refused, those that are open go on, and it heals', async () => {
  service = await faultyService()
  const running = service.start({ shell: 'ulimit -n 100' })
  const url = await listening(running)
  const agent = keepAlive()
  expect((await token(url, service.a, {}, agent)).status).toBe(200)
  const sockets: TLSSocket[] = []
  const tries = Array.from({ length: 200 }, () =>
    Promise.race([
      secure(url).then(
        (socket) => void sockets.push(socket.on('error', () => {})),
        () => undefined,
      ),
      wait(2_000),
    ]),
  )
  await Promise.all(tries)
  expect(sockets.length).toBeGreaterThan(20)
  expect(sockets.length).toBeLessThan(100)
  expect((await token(url, service.a, family, agent)).status).toBe(200)
  for (const socket of sockets) socket.destroy()
  await until(async () => {
    const answer = await token(url, service.a).catch(() => undefined)
    return answer?.status === 200
  })
  agent.destroy()
  running.signal('SIGTERM')
  expect((await running.ended).code).toBe(0)
}, 60_000)

describe('F20: a database that can’t be used is told at the start, in one line', () => {
  const refused = async () => {
    const { code, stderr } = await service.start().ended
    expect(code).toBe(1)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    return stderr
  }

  test('truncated', async () => {
    service = await faultyService()
    await truncate(service.file('a.db'), 5_000)
    expect(await refused()).toMatch(/a\.db is not a whole SQLite database\. Restore a backup/)
  })

  test('something else', async () => {
    service = await faultyService()
    await copyFile(service.file('server.pem'), service.file('a.db'))
    expect(await refused()).toMatch(/a\.db is not a whole SQLite database\. Restore a backup/)
  })

  test('of a newer program', async () => {
    service = await faultyService()
    const database = await sqlite(service.file('a.db'))
    database.run(`insert into kysely_migration values ('999', 'later')`)
    database.close()
    expect(await refused()).toMatch(/has schema 999, this program knows up to \d+\. Run the newer/)
  })

  test('in a folder that may not be written', async () => {
    service = await faultyService()
    if (process.getuid?.() === 0) {
      // Root may write anywhere but to what has been made immutable; another user runs it then.
      await chmod(service.folder, 0o755)
      for (const file of ['a.db', 'server.key', 'keys/key.pem']) {
        await chmod(service.file(file), 0o644)
      }
      await chmod(service.file('a.db'), 0o444)
      const drop = 'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" "$@"'
      const { code, stderr } = await service.start({ shell: drop }).ended
      expect(stderr).toMatch(/a\.db cannot be written\. Let the user of this process/)
      expect(code).toBe(1)
    } else {
      await chmod(service.file('a.db'), 0o444)
      expect(await refused()).toMatch(/a\.db cannot be written\. Let the user of this process/)
    }
  })

  test('of an older program: it is brought up to date, and nothing in it is lost', async () => {
    service = await faultyService()
    const old = await sqlite(service.file('old.db'))
    old.run(await readFile(join(__dirname, 'schema-001.sql'), 'utf8'))
    old.run(`attach '${service.file('a.db')}' as present`)
    for (const table of ['client', 'client_secret', 'client_certificate']) {
      const names = old.all(`pragma table_info(${table})`).map(({ name }) => name)
      old.run(`insert into ${table} (${names}) select ${names} from present.${table}`)
    }
    old.close()
    await rename(service.file('old.db'), service.file('a.db'))
    const url = await listening(service.start())
    expect((await token(url, service.a)).status).toBe(200)
  })

  test('a port that is taken', async () => {
    service = await faultyService()
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : 0
    const toml = await readFile(service.file('deployment.toml'), 'utf8')
    await writeFile(service.file('deployment.toml'), toml.replace('port = 0', `port = ${port}`))
    expect(await refused()).toMatch(/is taken by another program/)
    other.close()
  })
})
