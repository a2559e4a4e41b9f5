import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { openClients } from '../../lib/client/clients'
import { openStore } from '../../lib/store'
import { openSqlite } from '../../lib/store/sqlite-driver'
import { testCertificates } from '../support/certificates'
import { grant_types } from '../support/family-grant'
import { killAll, type Running, start } from '../support/process'
import { type Answer, ask } from '../unit/service/request'

/** Long runs behind `npm run test:faults`; the normal run has fewer rounds of the same. */
export const full = process.env.MTLS_SECRET_FULL === '1'
export const rounds = (normal: number, many: number) => (full ? many : normal)

/** A folder with all that a server needs, two clients in its database, and the server's processes. */
export interface FaultyService {
  folder: string
  file(name: string): string
  readonly database: string
  a: Caller
  b: Caller
  /** Runs the server; `shell` is done in its shell before. */
  start(options?: { shell?: string }): Running
  /** Ends what runs and removes the folder. */
  remove(): Promise<void>
}

export interface Caller {
  client_id: string
  client_secret: string
  cert: string
  key: string
}

export interface Wish {
  /** SQLite in the folder unless given. */
  database?: string
  server?: string
  /** More of `deployment.toml`. */
  more?: string
  files?: Record<string, string>
  folder?: string
}

export async function faultyService(wish: Wish = {}): Promise<FaultyService> {
  const { database = 'sqlite:a.db', server = '', more = '' } = wish
  const folder = wish.folder ?? (await mkdtemp(join(tmpdir(), 'fault-')))
  const file = (name: string) => join(folder, name)
  const own = await testCertificates()
  await writeFile(file('server.pem'), own.server.pem)
  await writeFile(file('server.key'), own.server.key)
  for (const [name, content] of Object.entries(wish.files ?? {})) {
    await writeFile(file(name), content)
  }
  await mkdir(file('keys'))
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await writeFile(file('keys/key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }))
  await writeFile(
    file('deployment.toml'),
    `[server]\nport = 0\n${server}\n[keystore.tls]\nfile_name = "server.pem"\nkey_file_name = "server.key"\n[database]\nurl = "${database}"\n${more}\n`,
  )
  const url = database.startsWith('sqlite:') ? `sqlite:${file(database.slice(7))}` : database
  const store = await openStore(url)
  const clients = openClients(store, Date)
  const create = async (name: string, { pem, key }: { pem: string; key: string }) => {
    const { client, client_secret = '' } = await clients.create({
      client_name: name,
      grant_types: [...grant_types],
      scope: 'accounts:read',
      certificate: pem,
    })
    return { client_id: client.client_id, client_secret, cert: pem, key }
  }
  const a = await create('a', own.clientA)
  const b = await create('b', own.clientB)
  await store.close()

  return {
    folder,
    file,
    database: url,
    a,
    b,
    start: ({ shell } = {}) =>
      start(
        [
          '-r',
          resolve('test/support/typescript.cjs'),
          resolve('test/faults/program.ts'),
          file('deployment.toml'),
        ],
        { cwd: folder, ...(shell && { shell }) },
      ),
    async remove() {
      for (const stop of loads) stop()
      killAll()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A database file past the store, by the driver that this Node has. */
export async function sqlite(file: string) {
  const database = await openSqlite(file)
  const all = (sql: string) => database.prepare(sql).all([]) as Record<string, unknown>[]
  return {
    all,
    /** One or several statements, each ended by a semicolon and a new line. */
    run(sql: string) {
      for (const one of sql.split(/;\n/)) {
        if (one.trim() !== '') database.prepare(one).run([])
      }
    },
    close: () => database.close(),
  }
}

/** Where a process listens, once it does. */
export async function listening(running: Running): Promise<string> {
  return String((await running.next('server.listening')).url)
}

export const keepAlive = () => new Agent({ keepAlive: true, maxSockets: 1 })

/** A token request; with an agent on its connection. */
export function token(
  url: string,
  { client_id, client_secret, cert, key }: Caller,
  fields: Record<string, string> = {},
  agent: Agent | false = false,
): Promise<Answer> {
  const form = { grant_type: 'client_credentials', client_id, client_secret, ...fields }
  return ask(`${url}/oauth2/token`, {
    method: 'POST',
    cert,
    key,
    agent,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  })
}

export const family = { grant_type: 'urn:test:family' }
export const renewal = (refresh_token: string) => ({ grant_type: 'refresh_token', refresh_token })

export interface Sample {
  status: number
  milliseconds: number
  at: number
}

export interface Load {
  readonly samples: readonly Sample[]
  /** Resolves when each connection has had its last answer. */
  stop(): Promise<readonly Sample[]>
}

const loads = new Set<() => void>()

/** So many connections, each asking again as soon as it is answered. A connection that breaks is status 0. */
export function load(connections: number, request: (agent: Agent) => Promise<Answer>): Load {
  const samples: Sample[] = []
  let stopped = false
  const end = () => {
    stopped = true
    loads.delete(end)
  }
  loads.add(end)
  const running = Array.from({ length: connections }, async () => {
    const agent = keepAlive()
    while (!stopped) {
      const since = performance.now()
      const status = await request(agent).then(
        (answer) => answer.status,
        () => 0,
      )
      const at = performance.now()
      samples.push({ status, milliseconds: at - since, at })
      if (status === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    agent.destroy()
  })
  return {
    samples,
    async stop() {
      end()
      await Promise.all(running)
      return samples
    },
  }
}

export function percentile(samples: readonly Sample[], share: number): number {
  const sorted = samples.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** How often each status came. */
export function tally(samples: readonly Sample[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of samples) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Asks until it is so; fails after `limit` milliseconds. */
export async function until(
  condition: () => Promise<boolean> | boolean,
  limit = 30_000,
): Promise<void> {
  const deadline = performance.now() + limit
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`It did not happen within ${limit} ms.`)
    await wait(20)
  }
}
