/**
 * F6, F7: a database file that another process has locked, and a disk that is full.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask } from '../unit/service/request'
import {
  type FaultyService,
  family,
  faultyService,
  keepAlive,
  listening,
  load,
  renewal,
  sqlite,
  tally,
  token,
} from './service'

let service: FaultyService
afterEach(() => service.remove())

test('F6: while another process writes, who must write gets 503 in time, all others are answered, and nothing stands still', async () => {
  service = await faultyService()
  const url = await listening(service.start())
  const before = await token(url, service.a, family)
  const reading = load(4, (agent) => token(url, service.a, {}, agent))
  const agents = Array.from({ length: 20 }, keepAlive)
  await Promise.all(agents.map((agent) => token(url, service.a, {}, agent)))

  const other = await sqlite(service.file('a.db'))
  const standstill = async () => Number((await ask(`${url}/fault/standstill`)).body.milliseconds)
  const whileLocked = async () => {
    other.run('begin immediate')
    await standstill()
    const since = performance.now()
    const writers = await Promise.all(agents.map((agent) => token(url, service.a, family, agent)))
    expect(performance.now() - since).toBeLessThan(3_500)
    for (const answer of writers) {
      expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
      expect(answer.headers['retry-after']).toBe('1')
    }
    return standstill()
  }
  // A machine that is busy with other things lets it stand still by itself now and then.
  let longest = await whileLocked()
  for (let again = 0; again < 2 && longest > 100; again++) {
    other.run('rollback')
    longest = Math.min(longest, await whileLocked())
  }
  // A guess is refused as ever, though it can't be counted for the others.
  const guess = { client_secret: 'a guess' }
  expect((await token(url, service.b, guess)).status).toBe(401)
  other.run('rollback')
  other.close()

  const samples = await reading.stop()
  expect(Object.keys(tally(samples))).toEqual(['200'])
  expect(longest).toBeLessThanOrEqual(100)
  const after = await token(url, service.a, renewal(String(before.body.refresh_token)))
  expect(after.status).toBe(200)
  for (const agent of agents) agent.destroy()
}, 60_000)

/** In a namespace of its own nobody else sees what a process mounts; needs no root where users may have one. */
const apart = ['--user', '--map-root-user', '--mount']

const mayMount = async (folder: string) => {
  const mount = spawn('unshare', [...apart, 'mount', '-t', 'tmpfs', 'tmpfs', folder])
  return once(mount, 'exit').then(
    ([code]) => code === 0,
    () => false,
  )
}

test('F7: on a full disk nothing is issued that must be stored, the rest goes on, and it heals', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'full-'))
  if (!(await mayMount(folder))) {
    process.stderr.write('\n*** F7 did not run: it needs a mount of its own. ***\n\n')
    return
  }
  service = await faultyService({ folder })
  // For the server the folder is a disk of two megabytes.
  const onDisk = [
    `cp -a ${folder} ${folder}.copy`,
    `mount -t tmpfs -o size=2m tmpfs ${folder}`,
    `mv ${folder}.copy/* ${folder}`,
    `rmdir ${folder}.copy`,
    `cd ${folder}`,
    'exec "$0" "$@"',
  ].join(' && ')
  const shell = `exec unshare ${apart.join(' ')} sh -c '${onDisk}' "$0" "$@"`
  const running = service.start({ shell })
  const url = await listening(running)
  const post = (path: string) => ask(`${url}${path}`, { method: 'POST' })
  const first = await token(url, service.a, family)
  expect(first.status).toBe(200)

  await post('/fault/fill')
  let full = await token(url, service.a, family)
  // What SQLite had reserved in its file is used up first.
  for (let i = 0; i < 2_000 && full.status === 200; i++) full = await token(url, service.a, family)
  expect(full).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
  const renewed = await token(url, service.a, renewal(String(first.body.refresh_token)))
  expect(renewed.status).toBe(503)
  expect((await token(url, service.a)).status).toBe(200)
  const active = await introspect(url, String(first.body.access_token))
  expect(active.body).toMatchObject({ active: true })

  await post('/fault/free')
  expect((await token(url, service.a, family)).status).toBe(200)
  // What was answered with 503 has not happened.
  const again = await token(url, service.a, renewal(String(first.body.refresh_token)))
  expect(again.status).toBe(200)
  running.signal('SIGTERM')
  expect((await running.ended).code).toBe(0)
}, 60_000)

function introspect(url: string, token: string) {
  const { client_id, client_secret, cert, key } = service.a
  return ask(`${url}/oauth2/introspect`, {
    method: 'POST',
    cert,
    key,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ client_id, client_secret, token }).toString(),
  })
}
