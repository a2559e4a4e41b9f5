/**
 * The chain is changed under load, in a real process and in all its workers: no good request fails, a
 * handler that is gone leaves its clients refused and counted, and a broken file changes nothing.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openClients } from '../../lib/client/clients'
import { openStore } from '../../lib/store'
import { testCertificates } from '../support/certificates'
import { killAll, type Running, start } from '../support/process'
import { ask } from '../unit/service/request'

let folder: string
const file = (name: string) => join(folder, name)
const program = 'dist/sample-app/authorization-server.js'

interface Person {
  client_id: string
  client_secret: string
  cert?: string
  key?: string
}
let mutual: Person
let basic: Person

const toml = (chain: string, workers: number) => `[server]
port = 0
workers = ${workers}
[keystore.tls]
file_name = "server.pem"
key_file_name = "server.key"
[database]
url = "sqlite:clients.db"
[throttle]
failures = 100000
${chain}`

/** Two orders and two sets of properties: what serves a good request is another handler each time. */
const chains = [
  '[[event_listener]]\nname = "client_secret_post"\norder = 210\n',
  '[[event_listener]]\nname = "client_secret_post"\norder = 100\n[[event_listener]]\nname = "mtls-secret"\norder = 400\nproperties = { MandateMutualSSL = "observe" }\n',
  '[[event_listener]]\nname = "mtls-secret"\norder = 7\nproperties = { ClientSecretInQuery = "accept" }\n[[event_listener]]\nname = "client_secret_post"\norder = 8\n[[event_listener]]\nname = "password"\nenable = false\n',
]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reload-'))
  const { server, clientA } = await testCertificates()
  await writeFile(file('server.pem'), server.pem)
  await writeFile(file('server.key'), server.key)
  const store = await openStore(`sqlite:${file('clients.db')}`)
  const clients = openClients(store, Date)
  const first = await clients.create({ client_name: 'mutual', certificate: clientA.pem })
  const second = await clients.create({
    client_name: 'basic',
    token_endpoint_auth_method: 'client_secret_post',
  })
  await store.close()
  const idOf = ({ client, client_secret = '' }: typeof first) => ({
    client_id: client.client_id,
    client_secret,
  })
  mutual = { ...idOf(first), cert: clientA.pem, key: clientA.key }
  basic = idOf(second)
})
afterEach(async () => {
  killAll()
  await rm(folder, { recursive: true })
})

async function begin(chain: string, workers = 1): Promise<{ service: Running; url: string }> {
  await writeFile(file('deployment.toml'), toml(chain, workers))
  const service = start([program, '--config', file('deployment.toml')])
  const { url } = await service.next('server.listening')
  return { service, url: String(url) }
}

async function reload(service: Running, chain: string, workers = 1): Promise<void> {
  await writeFile(file('deployment.toml'), toml(chain, workers))
  service.signal('SIGHUP')
  await service.next('reload.done')
}

/** A token request of a client; a connection of its own unless an agent is given. */
async function token(url: string, { cert, key, ...credentials }: Person, agent?: Agent) {
  const form = { grant_type: 'client_credentials', ...credentials }
  const answer = await ask(`${url}/oauth2/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
    ...(cert && { cert, key }),
    ...(agent && { agent }),
  })
  return answer.status
}

/** Asks for tokens without a pause until it is stopped; every status that it got. */
function load(url: string, person: Person) {
  const agents = [0, 1].map(() => new Agent({ keepAlive: true, maxSockets: 1 }))
  const statuses: (number | string)[] = []
  let stopped = false
  const loops = [...agents, undefined].map(async (agent) => {
    while (!stopped) {
      statuses.push(await token(url, person, agent).catch((error: Error) => error.message))
    }
  })
  return async () => {
    stopped = true
    await Promise.all(loops)
    for (const agent of agents) agent.destroy()
    return statuses
  }
}

test('serves every good request while the chain is changed twenty times', async () => {
  const { service, url } = await begin(chains[0] ?? '')
  const ends = [load(url, mutual), load(url, basic)]
  for (let round = 1; round <= 20; round++) {
    await reload(service, chains[round % chains.length] ?? '')
  }
  const statuses = (await Promise.all(ends.map((end) => end()))).flat()
  expect(statuses.length).toBeGreaterThan(50)
  expect(statuses.filter((status) => status !== 200)).toEqual([])
  const told = service.events.filter(({ event }) => event === 'chain.ready')
  expect(told).toHaveLength(21)
  expect(told.at(-1)?.chain).toContain('7 mtls-secret')
  expect(service.events.filter(({ event }) => event === 'handler.failed')).toEqual([])
}, 60_000)

test('changes the chain in all workers, and leaves nobody in by a handler that is gone', async () => {
  const { service, url } = await begin(chains[0] ?? '', 2)
  const end = load(url, mutual)
  expect(await token(url, basic)).toBe(200)

  await reload(service, '', 2)
  expect(await service.next('chain.unserved')).toMatchObject({ level: 'warn', clients: 1 })
  const asked = await Promise.all(Array.from({ length: 20 }, () => token(url, basic)))
  expect(asked).toEqual(Array(20).fill(401))

  await reload(service, chains[1] ?? '', 2)
  const again = await Promise.all(Array.from({ length: 20 }, () => token(url, basic)))
  expect(again).toEqual(Array(20).fill(200))
  expect((await end()).filter((status) => status !== 200)).toEqual([])
}, 60_000)

test.each([
  ['no TOML', 'this is not TOML', /:11: This is not TOML/],
  [
    'an unknown handler',
    '[[event_listener]]\nname = "nobody"',
    /:12: No handler is named "nobody"/,
  ],
  [
    'a misspelt property',
    '[[event_listener]]\nname = "mtls-secret"\nproperties = { MandateMutualSSl = true }',
    /:13: "mtls-secret" has no property "MandateMutualSSl"/,
  ],
  [
    'an order that is taken',
    '[[event_listener]]\nname = "client_secret_post"\norder = 200',
    /:13: order 200 is taken by both/,
  ],
  ['a key in the wrong table', 'plugins = ["acme"]', /plugins/],
])(
  'keeps the old chain, and says so, for %s (security.md 77)',
  async (_what, broken, problem) => {
    const { service, url } = await begin(chains[0] ?? '', 2)
    const end = load(url, basic)
    await writeFile(file('deployment.toml'), toml(broken, 2))
    service.signal('SIGHUP')
    const refused = await service.next('reload.refused')
    expect(refused).toMatchObject({ level: 'error', problem: expect.stringMatching(problem) })
    const health = await ask(`${url}/health`)
    expect(health).toMatchObject({
      status: 200,
      body: { status: 'degraded', reasons: ['reload_refused'] },
    })
    expect(await token(url, mutual)).toBe(200)

    await reload(service, chains[2] ?? '', 2)
    expect((await ask(`${url}/health`)).body).toEqual({ status: 'ready' })
    expect((await end()).filter((status) => status !== 200)).toEqual([])
  },
  60_000,
)

test('tells at the start what the chain is, what is insecure, and whom nobody serves', async () => {
  const store = await openStore(`sqlite:${file('clients.db')}`)
  const clients = openClients(store, Date)
  await clients.create({
    client_name: 'asks for passwords',
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['password'],
  })
  await store.close()
  const { service } = await begin(
    '[[event_listener]]\nname = "mtls-secret"\nproperties = { ClientSecretInQuery = "accept" }\n',
  )
  const names = service.events.map(({ event }) => event)
  expect(names.indexOf('chain.ready')).toBeLessThan(names.indexOf('server.listening'))
  expect(service.events.find(({ event }) => event === 'chain.ready')).toMatchObject({
    level: 'info',
    chain: expect.arrayContaining(['200 mtls-secret', '310 client_credentials', '900 audit-log']),
    clients: 3,
  })
  const warnings = service.events.filter(({ event }) => event === 'chain.warning')
  expect(warnings).toEqual([
    expect.objectContaining({ about: 'super_admin.password' }),
    expect.objectContaining({
      about: 'mtls-secret',
      problem: expect.stringContaining('ClientSecretInQuery is "accept"'),
    }),
    expect.objectContaining({
      about: 'password',
      problem: expect.stringMatching(/^1 client lists the password grant: .*RFC 9700 section 2\.4/),
      clients: 1,
      first: [expect.stringContaining('asks for passwords (')],
    }),
  ])
  expect(service.events.find(({ event }) => event === 'chain.unserved')).toMatchObject({
    level: 'warn',
    clients: 2,
  })
})
