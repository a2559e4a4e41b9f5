/** Observe mode: nobody is locked out, and the operator learns whom turning the check on would refuse. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { accepted, definePlugin } from '../../lib/plugin'
import { sqliteStore } from '../../lib/store'
import { standardPlugins } from '../../plugins'
import { listed } from '../support/listed'
import { openWorld } from '../support/world'

const folder = mkdtempSync(join(tmpdir(), 'observe-'))
const database = join(folder, 'clients.db')
afterAll(() => rmSync(folder, { recursive: true }))

const lenient = definePlugin({
  name: 'acme-lenient',
  setup: () => ({
    clientAuth: {
      recognise: ({ client_id }) => client_id,
      authenticate: () => accepted({ would_be_refused: 'too_old' }),
    },
  }),
})

async function observed(...options: string[]): Promise<string> {
  writeFileSync(join(folder, 'deployment.toml'), '[database]\nurl = "sqlite:clients.db"\n')
  const bin = process.env.MTLS_SECRET_BIN ?? join(__dirname, '../../dist/lib/cli/main.js')
  const args = [bin, 'observed', ...options]
  return (await promisify(execFile)(process.execPath, args, { cwd: folder })).stdout
}

test('lists who was let in, why not otherwise, since when and how often', async () => {
  const world = await openWorld({
    store: sqliteStore(database),
    plugins: [...standardPlugins, lenient],
    event_listener: [
      listed('mtls-secret', 200, { MandateMutualSSL: 'observe' }),
      listed('acme-lenient', 210),
    ],
    a: { without_certificate: true },
  })
  const { client } = await world.server.clients.create({
    client_name: 'old',
    token_endpoint_auth_method: 'acme-lenient',
  })
  const since = world.clock.now()
  const days = 3
  for (let time = 0; time < 3; time++) {
    expect((await world.token(world.a, {}, { certificate: undefined })).status).toBe(200)
    world.clock.advance((days * 86_400) / 3)
  }
  expect((await world.token(world.b)).status).toBe(200)
  expect((await world.token({ ...world.a, client_id: client.client_id })).status).toBe(200)
  // A wrong secret is refused whatever is observed.
  const wrong = await world.token(world.a, { client_secret: 'x' }, { certificate: undefined })
  expect(wrong.status).toBe(401)
  await world.close()

  const all = JSON.parse(await observed('--json', '--within', '365d'))
  expect(all).toEqual([
    {
      client_id: client.client_id,
      client_name: 'old',
      reason: 'acme-lenient:too_old',
      since: expect.any(String),
      last: expect.any(String),
      times: 1,
    },
    {
      client_id: world.a.client_id,
      client_name: 'client-a',
      reason: 'no_certificate_registered',
      since: expect.any(String),
      last: expect.any(String),
      times: 3,
    },
  ])
  const [, a] = all
  expect(Date.parse(a.since) - since).toBeLessThan(60_000)
  expect(Date.parse(a.last) - Date.parse(a.since)).toBeGreaterThan(86_400_000)

  const table = (await observed()).trimEnd().split('\n')
  expect(table).toHaveLength(3)
  expect(table[0]).toMatch(/^CLIENT_ID +NAME +REASON +SINCE +LAST +TIMES$/)
  expect(table[2]).toMatch(/ client-a +no_certificate_registered .* 3$/)
})

test('writes a batch by itself, without waiting for the end', async () => {
  const store = sqliteStore(join(folder, 'batch.db'))
  const world = await openWorld({
    store,
    event_listener: [listed('mtls-secret', 200, { MandateMutualSSL: 'observe' })],
    a: { without_certificate: true },
  })
  const written = new Promise<unknown>((resolve) => {
    const { recordObserved } = store
    store.recordObserved = async (seen) => {
      await recordObserved(seen)
      resolve(await store.listObserved(0))
    }
  })
  for (let time = 0; time < 5; time++) await world.token(world.a, {}, { certificate: undefined })
  expect(await written).toEqual([
    expect.objectContaining({ client_id: world.a.client_id, times: 5 }),
  ])
  await world.close()
})
