/**
 * Answered means stored: processes are killed in the middle of issuing, and no refresh token that a
 * client was given is missing afterwards.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openClients } from '../../lib/client/clients'
import { openStore } from '../../lib/store'
import { digestOpaque } from '../../lib/token/opaque'
import { testCertificates } from '../support/certificates'
import { killAll, type Running, start } from '../support/process'
import { ask } from '../unit/service/request'

let folder: string
const file = (name: string) => join(folder, name)
const program = 'dist/sample-app/authorization-server.js'
const begin = () => start([program, '--config', file('deployment.toml')])

interface Credentials {
  client_id: string
  client_secret: string
}

/** Begins a family of refresh tokens for the asking: no password is hashed, so there is more to kill. */
const familyPlugin = `exports.family = {
  name: 'family',
  setup: () => ({
    grant: {
      grant_type: 'urn:test:family',
      decide: (_request, client) => ({ sub: client.client_id, refreshable: true }),
    },
  }),
}`

const toml = (workers: number) => `plugins = ["family"]
[server]
port = 0
workers = ${workers}
[keystore.tls]
file_name = "server.pem"
key_file_name = "server.key"
[database]
url = "sqlite:clients.db"
[[event_listener]]
type = "grant"
name = "family"
order = 350
`

async function prepare(workers: number): Promise<Credentials> {
  folder = await mkdtemp(join(tmpdir(), 'kill-'))
  const { server, clientA } = await testCertificates()
  await writeFile(file('server.pem'), server.pem)
  await writeFile(file('server.key'), server.key)
  await mkdir(file('node_modules/family'), { recursive: true })
  await writeFile(file('node_modules/family/index.js'), familyPlugin)
  await writeFile(file('deployment.toml'), toml(workers))
  const store = await openStore(`sqlite:${file('clients.db')}`)
  const { client, client_secret = '' } = await openClients(store, Date).create({
    client_name: 'kill',
    grant_types: ['urn:test:family', 'refresh_token'],
    certificate: clientA.pem,
  })
  await store.close()
  return { client_id: client.client_id, client_secret }
}

afterEach(async () => {
  killAll()
  await rm(folder, { recursive: true })
})

/** Renews one refresh token after the other until told to stop; tells every one that was answered. */
async function renew(
  url: unknown,
  credentials: Credentials,
  answered: (token: string) => void,
  stopped: () => boolean,
) {
  const { clientA } = await testCertificates()
  let grant: Record<string, string> = { grant_type: 'urn:test:family' }
  while (!stopped()) {
    const form = new URLSearchParams({ ...credentials, ...grant })
    try {
      const { status, body } = await ask(`${url}/oauth2/token`, {
        method: 'POST',
        cert: clientA.pem,
        key: clientA.key,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      })
      if (status !== 200) throw new Error(`answered ${status} ${JSON.stringify(body)}`)
      const refresh_token = String(body.refresh_token)
      answered(refresh_token)
      grant = { grant_type: 'refresh_token', refresh_token }
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (!['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(code)) throw error
      // Whether it was used up is unknown: this family is left.
      grant = { grant_type: 'urn:test:family' }
    }
  }
}

async function missing(tokens: readonly string[]): Promise<string[]> {
  const store = await openStore(`sqlite:${file('clients.db')}`)
  const lost: string[] = []
  for (const token of tokens) {
    if ((await store.findRefreshToken(digestOpaque(token))) === undefined) lost.push(token)
  }
  await store.close()
  return lost
}

it('loses no answered refresh token in twenty kills', async () => {
  const credentials = await prepare(1)
  const answered: string[] = []
  for (let round = 0; round < 20; round++) {
    const service: Running = begin()
    const { url } = await service.next('server.listening')
    const before = answered.length
    let dead = false
    const enough = 1 + Math.floor(Math.random() * 40)
    const note = (token: string) => {
      answered.push(token)
      if (answered.length - before === enough) {
        dead = true
        service.signal('SIGKILL')
      }
    }
    const chains = [0, 1, 2].map(() => renew(url, credentials, note, () => dead))
    await Promise.all(chains)
    expect((await service.ended).signal).toBe('SIGKILL')
    expect(answered.length).toBeGreaterThanOrEqual(before + enough)
  }
  expect(await missing(answered)).toEqual([])
}, 300_000)

it('loses no answered refresh token when workers are killed, and serves on', async () => {
  const credentials = await prepare(2)
  const service = begin()
  const { url } = await service.next('server.listening')
  const answered: string[] = []
  let stopped = false
  let heard: () => void = () => undefined
  const note = (token: string) => {
    answered.push(token)
    heard()
  }
  const more = async (count: number) => {
    const enough = answered.length + count
    while (answered.length < enough) {
      await new Promise<void>((resolve) => {
        heard = resolve
      })
    }
  }
  const chains = [0, 1, 2].map(() => renew(url, credentials, note, () => stopped))
  for (let kill = 0; kill < 5; kill++) {
    await more(10)
    const { stdout } = await promisify(execFile)('pgrep', ['-P', String(service.pid)])
    const workers = stdout.trim().split('\n').map(Number)
    expect(workers).toHaveLength(2)
    process.kill(workers[kill % 2] ?? 0, 'SIGKILL')
    await service.next('worker.replaced')
  }
  await more(10)
  stopped = true
  await Promise.all(chains)
  service.signal('SIGTERM')
  expect((await service.ended).code).toBe(0)
  expect(await missing(answered)).toEqual([])
}, 300_000)
