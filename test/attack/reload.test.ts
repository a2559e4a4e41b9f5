/**
 * A reload takes the whole or nothing, and opens no gap: what is under way ends with the chain that it
 * began with, and who has no handler any more is refused.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificate } from '../../lib/certificate/make'
import { loadDeployment } from '../../lib/load-deployment'
import { definePlugin } from '../../lib/plugin'
import { sqliteStore } from '../../lib/store'
import { openWorld, type World } from '../support/world'

let folder: string
let world: World
const file = (name: string) => join(folder, name)

/** What the plugin `gate` does now, and what became of it. */
const gate = {
  waiting: [] as (() => void)[],
  held: false,
  setup: () => {},
  open: 0,
  closed: 0,
  reached: () => {},
}

const gatePlugin = definePlugin({
  name: 'gate',
  setup() {
    gate.setup()
    gate.open += 1
    let closed = false
    const pass = async () => {
      gate.reached()
      if (gate.held) await new Promise<void>((resolve) => gate.waiting.push(resolve))
      if (closed) throw new Error('asked after its end')
    }
    return {
      clientAuth: {
        recognise: ({ client_id }) => client_id,
        async authenticate({ client_secret }, client) {
          await pass()
          return client.judgeSecret(client_secret)
        },
      },
      grant: {
        grant_type: 'urn:gate',
        async decide(_request, { client_id }) {
          await pass()
          return { sub: client_id }
        },
      },
      listener: {
        async beforeIssue() {
          await pass()
          return { by: 'gate' }
        },
      },
      close() {
        closed = true
        gate.closed += 1
      },
    }
  },
})

const on = '[[event_listener]]\nname = "gate"\norder = 100\n'
const off = '[[event_listener]]\nname = "gate"\nenable = false\n'
const settings = (chain: string) => `[super_admin]
create_admin_account = false
[truststore]
file_name = "ca.pem"
[keystore.primary]
directory = "keys"
[server.limits]
handler_timeout = 2
${chain}`

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reload-'))
  Object.assign(gate, { waiting: [], held: false, setup: () => {}, open: 0, closed: 0 })
  gate.reached = () => {}
  const ca = makeCertificate({ name: 'CA', ca: true, now: Date.now() })
  writeFileSync(file('ca.pem'), ca.certificatePem)
  writeFileSync(file('deployment.toml'), settings(on))
  const deployment = await loadDeployment(file('deployment.toml'), { plugins: [gatePlugin] })
  const { issuer: _, ...options } = deployment
  world = await openWorld({
    ...options,
    store: sqliteStore(file('clients.db')),
    a: { token_endpoint_auth_method: 'gate', grant_types: ['client_credentials', 'urn:gate'] },
    mount: 'router',
  })
})
afterEach(async () => {
  for (const go of gate.waiting) go()
  await world.close()
  rmSync(folder, { recursive: true })
})

async function reloadWith(chain: string): Promise<void> {
  writeFileSync(file('deployment.toml'), settings(chain))
  await world.server.reload()
}

/** A request that waits in the plugin, and the way to let it go on. */
async function underWay(fields: Record<string, string>, calls: number) {
  let left = calls
  const reached = new Promise<void>((resolve) => {
    gate.reached = () => {
      left -= 1
      gate.held = left === 0
      if (left === 0) resolve()
    }
  })
  const answer = world.token(world.a, fields)
  await reached
  gate.reached = () => {}
  gate.held = false
  return {
    answer,
    go() {
      for (const next of gate.waiting.splice(0)) next()
    },
  }
}

test.each([
  ['its authentication', 1],
  ['its grant', 2],
  ['its listener', 3],
])('a request in %s ends with the chain that it began with', async (_where, calls) => {
  const { answer, go } = await underWay({ grant_type: 'urn:gate' }, calls)
  await reloadWith(off)
  expect(String(world.server.handlers)).not.toContain('gate')
  const next = await world.token(world.a, { grant_type: 'urn:gate' })
  expect(next.json).toMatchObject({ error: 'invalid_client' })

  go()
  const { status, json } = await answer
  expect(status).toBe(200)
  const claims = JSON.parse(Buffer.from(json.access_token.split('.')[1], 'base64url').toString())
  expect(claims).toMatchObject({ by: 'gate', sub: world.a.client_id })
})

test('refuses who has no handler any more, counts them, and lets everybody else in', async () => {
  expect((await world.token(world.a)).status).toBe(200)
  await reloadWith(off)
  world.events.length = 0
  expect((await world.token(world.a)).json).toMatchObject({ error: 'invalid_client' })
  expect(world.only('client.rejected')).toMatchObject({ reason: 'method_not_allowed' })
  expect((await world.token(world.b)).status).toBe(200)
  expect(await world.server.announce()).toEqual({ unserved: 1 })
  await reloadWith(on)
  expect((await world.token(world.a)).status).toBe(200)
  expect(await world.server.announce()).toEqual({ unserved: 0 })
})

describe('keeps everything old', () => {
  async function expectOld(change: () => void, problem: RegExp): Promise<void> {
    const { handlers, trust } = world.server
    const { epoch } = trust
    const [key] = (await world.server.keys.jwks()).keys
    const closed = gate.closed
    const opened = gate.open
    change()
    await expect(world.server.reload()).rejects.toThrow(problem)
    expect(world.server.handlers).toBe(handlers)
    expect(trust.epoch).toBe(epoch)
    expect((await world.server.keys.jwks()).keys).toEqual([key])
    expect((await world.token(world.a)).status).toBe(200)
    // What was set up for nothing is closed again, and nothing else is.
    expect(gate.closed - closed).toBe(gate.open - opened)
  }

  test('when the file is broken', () =>
    expectOld(() => writeFileSync(file('deployment.toml'), 'a = ['), /deployment\.toml:1: /))

  test('when a handler can’t be set up again', () =>
    expectOld(() => {
      gate.setup = () => {
        throw new Error('no disk')
      }
    }, /deployment\.toml:9: The handler "gate" cannot be set up: no disk/))

  test('when the truststore is broken', () =>
    expectOld(() => writeFileSync(file('ca.pem'), 'garbage'), /ca\.pem/))

  test('when the keys are broken, though the truststore is new and right', () =>
    expectOld(() => {
      const other = makeCertificate({ name: 'Other CA', ca: true, now: Date.now() })
      writeFileSync(file('ca.pem'), other.certificatePem)
      writeFileSync(file('keys/broken.pem'), 'garbage')
    }, /keys/))
})

test('closes a chain that was replaced, at the latest with the server', async () => {
  await reloadWith(`${on}properties = {}\n`)
  await reloadWith(off)
  expect(gate.open).toBe(2)
  await world.close()
  expect(gate.closed).toBe(2)
  world = await openWorld()
})
