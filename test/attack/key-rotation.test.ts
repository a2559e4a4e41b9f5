import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { remoteKeys, requireToken } from '../../lib'
import { parseSettings } from '../../lib/config/load-settings'
import { sqliteStore } from '../../lib/store'
import { rotateKeys } from '../../lib/token/keys'
import { openWorld, type World } from '../support/world'

/**
 * security.md, F9: keys are rotated under load, as `mtls-secret keys rotate` does it from another process,
 * and no token is refused: not by the server's own routes, not by a resource server that fetches keys.
 */
const full = process.env.MTLS_SECRET_FULL === '1'
const rounds = full ? 30 : 4
/** Milliseconds between two rotations; a resource server asks for an unknown key once a second. */
const pause = full ? 2_000 : 1_100

let directory: string
let world: World
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rotation-'))
  const { keystore } = parseSettings('', resolve('deployment.toml'))
  const primary = { ...keystore.primary, directory: join(directory, 'keys') }
  world = await openWorld({
    store: sqliteStore(join(directory, 'a.db')),
    keystore: { ...keystore, primary },
  })
})
afterEach(async () => {
  await world.close()
  await rm(directory, { recursive: true })
})

const rotated = async () => {
  const store = sqliteStore(join(directory, 'a.db'))
  await store.open()
  const settings = {
    directory: join(directory, 'keys'),
    algorithm: 'ES256',
    overlap: 7200,
  } as const
  const { kid } = await rotateKeys({ ...settings, mayCreate: true }, store, Date.now())
  await store.close()
  return kid
}
const kidOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid

test('the first token after a rotation by another process has the new key', async () => {
  for (let round = 0; round < 3; round++) {
    const { json: before } = await world.token(world.a)
    const kid = await rotated()
    const { json: after } = await world.token(world.a)
    expect(kidOf(after.access_token)).toBe(kid)
    expect(kidOf(before.access_token)).not.toBe(kid)
  }
})

test(
  'F9: not one token is refused while keys are rotated',
  async () => {
    const ca = world.certificates.ca.certificatePem
    const keys = remoteKeys(`${world.url}/oauth2/jwks`, { ca })
    world.app.get('/remote', requireToken({ issuer: world.url, keys }), (_req, res) => {
      res.json({})
    })
    const kids = new Set<string>()
    const answers = new Map<number, number>()
    const tokens: string[] = []
    let running = true
    const use = async () => {
      while (running) {
        const { json, status } = await world.token(world.a)
        count(status)
        const token: string = json.access_token
        kids.add(kidOf(token))
        if (tokens.length < 500) tokens.push(token)
        for (const path of ['/me', '/remote']) count((await me(path, token)).status)
      }
    }
    const count = (status: number) => answers.set(status, (answers.get(status) ?? 0) + 1)
    const me = (path: string, token: string) =>
      world.get(path, {
        certificate: world.a.certificate,
        headers: { authorization: `Bearer ${token}` },
      })

    const load = Array.from({ length: 6 }, () =>
      use().finally(() => {
        running = false
      }),
    )
    for (let round = 0; round < rounds && running; round++) {
      await elapsed(pause)
      const kid = await rotated()
      while (running && !kids.has(kid)) await elapsed(10)
    }
    running = false
    await Promise.all(load)

    expect([...answers.keys()]).toEqual([200])
    expect(kids.size).toBe(rounds + 1)
    // The first tokens of all still hold, and the set that is published has only public parts.
    for (const token of tokens.slice(0, 20)) expect((await me('/remote', token)).status).toBe(200)
    const { json } = await world.get('/oauth2/jwks')
    expect(json.keys).toHaveLength(rounds + 1)
    expect(JSON.stringify(json)).not.toContain('"d"')
  },
  full ? 600_000 : 60_000,
)

function elapsed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
