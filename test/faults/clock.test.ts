/**
 * F8: clocks that jump, and clocks of two processes that differ. No token is good for longer than it
 * lives plus the skew that is allowed for; what is timed inside the process does not follow the clock.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { definePlugin } from '../../lib/plugin'
import { sqliteStore } from '../../lib/store'
import { standardPlugins } from '../../plugins'
import { family, familyWorld } from '../support/family-grant'
import { oauthSettings } from '../support/oauth-settings'
import { openWorld, type World } from '../support/world'

const hour = 3_600
let world: World
afterEach(() => world.close())

const me = (by: World, access_token: string) =>
  by.get('/me', {
    certificate: world.a.certificate,
    headers: { authorization: `Bearer ${access_token}` },
  })
const renew = (by: World, refresh_token: string) =>
  by.token(world.a, { grant_type: 'refresh_token', refresh_token })

test('F8: a token from while the clock was an hour ahead is not good for two hours', async () => {
  world = await openWorld()
  world.clock.advance(hour)
  const { json } = await world.token(world.a)
  expect((await me(world, json.access_token)).status).toBe(200)
  world.clock.advance(-hour)
  expect((await me(world, json.access_token)).status).toBe(401)
  world.clock.advance(hour - 90)
  expect((await me(world, json.access_token)).status).toBe(401)
  world.clock.advance(60)
  expect((await me(world, json.access_token)).status).toBe(200)
  world.clock.advance(hour + 30)
  expect((await me(world, json.access_token)).status).toBe(401)
})

test('F8: a clock that is set back makes no token young again that it has seen end', async () => {
  world = await openWorld(familyWorld())
  const { json } = await world.token(world.a, family)
  world.clock.advance(hour + 1)
  expect((await me(world, json.access_token)).status).toBe(401)
  const { json: renewed } = await renew(world, json.refresh_token)
  world.clock.advance(-hour)
  // The access token of before has not ended by this clock, and is good for what is left of it: one life.
  expect((await me(world, json.access_token)).status).toBe(200)
  expect((await me(world, renewed.access_token)).status).toBe(401)
  // What was used stays used.
  expect((await renew(world, json.refresh_token)).status).toBe(400)
  expect((await renew(world, renewed.refresh_token)).status).toBe(400)
})

test('F8: the grace of a lost answer is not longer after a jump back', async () => {
  world = await openWorld(familyWorld({ oauth: oauthSettings({ token_renewal: { grace: 10 } }) }))
  world.clock.advance(2 * hour)
  const { json } = await world.token(world.a, family)
  expect((await renew(world, json.refresh_token)).status).toBe(200)
  world.clock.advance(-hour)
  expect((await renew(world, json.refresh_token)).status).toBe(400)
})

test('F8: who is throttled is let go after the window, whichever way the clock jumps', async () => {
  for (const jump of [hour, -hour]) {
    world = await openWorld({ throttle: { failures: 1, window: 60 } })
    world.clock.advance(2 * hour)
    expect((await world.token(world.a, { client_secret: 'x' })).status).toBe(401)
    expect((await world.token(world.a)).status).toBe(429)
    world.clock.advance(jump)
    expect((await world.token(world.a)).status).toBe(200)
    if (jump > 0) await world.close()
  }
})

test('F8: what a handler may take is measured apart from the clock', async () => {
  const slow = definePlugin({
    name: 'slow',
    order: 360,
    setup: () => ({
      grant: {
        grant_type: 'urn:test:slow',
        async decide() {
          world.clock.advance(hour)
          await new Promise((resolve) => setTimeout(resolve, 50))
          return { sub: 'somebody' }
        },
      },
    }),
  })
  const grant_types = ['urn:test:slow']
  world = await openWorld({ plugins: [...standardPlugins, slow], a: { grant_types } })
  expect((await world.token(world.a, { grant_type: 'urn:test:slow' })).status).toBe(200)
})

describe('F8: two processes on one database, a minute apart', () => {
  let dir: string
  let other: World
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'clock-'))
    const store = () => sqliteStore(join(dir, 'a.db'))
    const throttle = { failures: 10, window: 120 }
    const open = () => openWorld(familyWorld({ store: store(), issuer, throttle }))
    world = await open()
    other = await open()
    other.clock.advance(60)
  })
  afterEach(async () => {
    await other.close()
    await rm(dir, { recursive: true })
  })
  const issuer = 'https://id.example'

  test('rotate one family in turn, and one of them ends it for both', async () => {
    let token = (await world.token(world.a, family)).json.refresh_token
    const first = token
    for (const by of [other, world, other, world]) {
      const { status, json } = await renew(by, token)
      expect(status).toBe(200)
      token = json.refresh_token
    }
    expect((await renew(other, first)).status).toBe(400)
    expect((await renew(world, token)).status).toBe(400)
  })

  test('believe each other’s tokens', async () => {
    const form = (token: string) => ({
      token,
      client_id: world.a.client_id,
      client_secret: world.a.client_secret,
    })
    for (const [by, at] of [
      [world, other],
      [other, world],
    ] as const) {
      const { json } = await by.token(world.a)
      const seen = await at.post('/oauth2/introspect', form(json.access_token), {
        certificate: world.a.certificate,
      })
      expect(seen.json).toMatchObject({ active: true })
    }
  })

  test('count guesses together', async () => {
    const guess = (by: World) => by.token(world.a, { client_secret: 'x' })
    for (let i = 0; i < 5; i++) {
      expect((await guess(world)).status).toBe(401)
      expect((await guess(other)).status).toBe(401)
    }
    expect((await world.token(world.a)).status).toBe(429)
    expect((await other.token(world.a)).status).toBe(429)
  })
})
