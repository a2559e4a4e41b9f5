import { memoryStore } from '../../lib/store'
import { family, familyWorld, grant_types } from '../support/family-grant'
import { oauthSettings } from '../support/oauth-settings'
import { type Answer, claimsOf, openWorld, type World, type WorldOptions } from '../support/world'

/** security.md, E 49-55 and 58: what a refresh token must not bring, to whom, and when. */
let world: World
afterEach(() => world.close())

const refresh = (refresh_token: string) => ({ grant_type: 'refresh_token', refresh_token })

/** The first token of a family of client A's. */
async function open(options: WorldOptions = {}): Promise<string> {
  world = await openWorld(familyWorld(options))
  return first(family)
}

/** The same for a user who has a password. */
async function openForUser(): Promise<string> {
  const admin = { username: 'admin', password: 'admin' }
  world = await openWorld({ super_admin: { ...admin, create_admin_account: true } })
  return first({ grant_type: 'password', ...admin })
}

async function first(fields: Record<string, string>): Promise<string> {
  const { status, json } = await world.token(world.a, fields)
  expect(status).toBe(200)
  world.events.length = 0
  return json.refresh_token
}

async function renew(refresh_token: string, more: Record<string, string> = {}): Promise<Answer> {
  return world.token(world.a, { ...refresh(refresh_token), ...more })
}

function expectGone(answer: Answer): void {
  expect(answer.status).toBe(400)
  expect(answer.json.error).toBe('invalid_grant')
}

const reused = () => world.events.filter(({ event }) => event === 'token.reused')
const reasons = () =>
  world.events.filter(({ event }) => event === 'request.refused').map(({ reason }) => reason)

describe('without a grace', () => {
  test('49: a rotated token that comes again ends the family, newest included, with one alert', async () => {
    const first = await open()
    const second = (await renew(first)).json.refresh_token
    const third = (await renew(second)).json.refresh_token
    world.events.length = 0
    expectGone(await renew(first))
    expect(reused()).toHaveLength(1)
    expect(reused()[0]).toMatchObject({ level: 'error', client_id: world.a.client_id })
    expectGone(await renew(third))
    expectGone(await renew(first))
    expect(reused()).toHaveLength(1)
    expect(reasons()).toEqual(['refresh_token_used', 'grant_revoked', 'grant_revoked'])
  })

  test('49: neither a wider scope nor another resource hides that a token comes again', async () => {
    const first = await open()
    const second = (await renew(first)).json.refresh_token
    world.events.length = 0
    expectGone(await renew(first, { scope: 'root', resource: 'https://elsewhere.example' }))
    expect(reused()).toHaveLength(1)
    expectGone(await renew(second))
  })

  test('50: of eight at once one wins, and one alert tells (CVE-2026-1035)', async () => {
    const first = await open()
    const answers = await Promise.all(Array.from({ length: 8 }, () => renew(first)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(400)])
    expect(reused()).toHaveLength(1)
    const winner = answers.find(({ status }) => status === 200)
    expectGone(await renew(winner?.json.refresh_token))
  })

  test('52: another client’s full credentials bring nothing, and the owner’s family stays', async () => {
    const first = await open()
    expectGone(await world.token(world.b, refresh(first)))
    expect(world.only('request.refused')).toMatchObject({
      reason: 'refresh_token_of_another_client',
      client_id: world.b.client_id,
    })
    const { status, json } = await renew(first)
    expect(status).toBe(200)
    // A used one is no lever either: only its own client can end the family.
    expectGone(await world.token(world.b, refresh(first)))
    expect((await renew(json.refresh_token)).status).toBe(200)
  })

  test('53: a wider scope is invalid_scope and uses nothing up', async () => {
    const first = await open()
    const wider = await renew(first, { scope: 'accounts:read root' })
    expect(wider.json.error).toBe('invalid_scope')
    expect((await renew(first)).status).toBe(200)
  })

  test('53: another audience is invalid_target and uses nothing up', async () => {
    const first = await open()
    const other = await renew(first, { resource: 'https://elsewhere.example' })
    expect(other.status).toBe(400)
    expect(other.json.error).toBe('invalid_target')
    expect((await renew(first)).status).toBe(200)
  })

  test('53: a narrower scope is given, and the next one is the full scope again', async () => {
    const first = await open()
    const narrow = (await renew(first, { scope: 'accounts:read' })).json
    expect(claimsOf(narrow.access_token).scope).toBe('accounts:read')
    const full = (await renew(narrow.refresh_token)).json
    expect(claimsOf(full.access_token).scope).toBe('accounts:read accounts:write')
  })

  test('53: a scope that was taken from the client since is given no more', async () => {
    const first = await open()
    await world.server.clients.replace(world.a.client_id, {
      scope: 'accounts:write other',
      grant_types: [...grant_types],
    })
    const { json } = await renew(first)
    expect(claimsOf(json.access_token).scope).toBe('accounts:write')
    expect((await renew(json.refresh_token, { scope: 'other' })).json.error).toBe('invalid_scope')
  })

  test('54: a changed password ends it', async () => {
    const first = await openForUser()
    await world.server.accounts.setPassword('admin', 'another')
    expectGone(await renew(first))
  })

  test('54: a disabled user ends it', async () => {
    const first = await openForUser()
    await world.server.accounts.disable('admin')
    expectGone(await renew(first))
  })

  test('54: a disabled client is no client, whatever token it has', async () => {
    const first = await open()
    await world.server.clients.disable(world.a.client_id)
    const answer = await renew(first)
    expect(answer.status).toBe(401)
    expect(answer.json.error).toBe('invalid_client')
    await world.server.clients.enable(world.a.client_id)
    expect((await renew(first)).status).toBe(200)
  })

  test('55: the family ends on its day, however often it was renewed', async () => {
    let token = await open({
      oauth: oauthSettings({ token_validation: { refresh_token_validity: 100 } }),
    })
    world.clock.advance(60)
    token = (await renew(token)).json.refresh_token
    world.clock.advance(39)
    token = (await renew(token)).json.refresh_token
    world.clock.advance(2)
    expectGone(await renew(token))
    expect(reasons()).toEqual(['refresh_token_expired'])
  })

  test('58: an answer that got lost costs the client its family, never a 500', async () => {
    const first = await open()
    await renew(first)
    expectGone(await renew(first))
  })

  test.each([
    ['nothing', '', 'invalid_request'],
    ['a blank', ' ', 'invalid_grant'],
    ['a letter', 'x', 'invalid_grant'],
    ['no ASCII', '\u00e4', 'invalid_grant'],
    ['5,000 letters', 'a'.repeat(5_000), 'invalid_grant'],
  ])('what is no token brings nothing: %s', async (_, token, error) => {
    await open()
    const { status, json } = await renew(token)
    expect(status).toBe(400)
    expect(json.error).toBe(error)
  })
})

describe('with a grace', () => {
  const withGrace = (grace: number) => ({ oauth: oauthSettings({ token_renewal: { grace } }) })

  test('58: the old token brings the same successor again, and the family goes on', async () => {
    const first = await open(withGrace(10))
    const lost = (await renew(first)).json
    world.clock.advance(9)
    const again = (await renew(first)).json
    expect(again.refresh_token).toBe(lost.refresh_token)
    expect(again.access_token).not.toBe(lost.access_token)
    expect((await renew(again.refresh_token)).status).toBe(200)
    expect(reused()).toHaveLength(0)
  })

  test('of eight at once all get the one successor', async () => {
    const first = await open(withGrace(10))
    const answers = await Promise.all(Array.from({ length: 8 }, () => renew(first)))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(new Set(answers.map(({ json }) => json.refresh_token)).size).toBe(1)
    expect(reused()).toHaveLength(0)
  })

  test('after the window the old token ends the family', async () => {
    const first = await open(withGrace(10))
    const second = (await renew(first)).json.refresh_token
    world.clock.advance(11)
    expectGone(await renew(first))
    expect(reused()).toHaveLength(1)
    expectGone(await renew(second))
  })

  test('a clock that was set back does not make the window longer', async () => {
    const first = await open(withGrace(10))
    await renew(first)
    world.clock.advance(-30)
    expectGone(await renew(first))
    expect(reused()).toHaveLength(1)
  })

  test('a successor that was used has arrived: then the old token ends the family', async () => {
    const first = await open(withGrace(10))
    const second = (await renew(first)).json.refresh_token
    const third = (await renew(second)).json.refresh_token
    expectGone(await renew(first))
    expectGone(await renew(third))
    expect(reused()).toHaveLength(1)
  })

  test('another client gets nothing within the window', async () => {
    const first = await open(withGrace(10))
    const second = (await renew(first)).json.refresh_token
    expectGone(await world.token(world.b, refresh(first)))
    expect((await renew(second)).status).toBe(200)
  })

  test('a revoked family brings nothing within the window', async () => {
    const first = await open(withGrace(10))
    await renew(first)
    await world.server.clients.remove(world.a.client_id)
    expect((await renew(first)).status).toBe(401)
  })

  test('the repeated answer can be asked for less, and for no more', async () => {
    const first = await open(withGrace(10))
    await renew(first)
    const narrow = await renew(first, { scope: 'accounts:read' })
    expect(claimsOf(narrow.json.access_token).scope).toBe('accounts:read')
    expect((await renew(first, { scope: 'root' })).json.error).toBe('invalid_scope')
  })

  test('whoever has a used token can’t work out its successor: it hangs on the signing key', async () => {
    const same = memoryStore()
    const first = await open({ ...withGrace(10), store: same })
    const second = (await renew(first)).json.refresh_token
    const { createHash, createHmac } = await import('node:crypto')
    const guesses = [
      createHash('sha256').update(first).digest('base64url'),
      createHmac('sha256', '').update(first).digest('base64url'),
    ]
    expect(guesses).not.toContain(second)
    expect(second).toHaveLength(43)
  })
})

describe('with renew_refresh_token = false', () => {
  const kept = { oauth: oauthSettings({ token_renewal: { renew_refresh_token: false } }) }

  test('the token stays the same and can be used again', async () => {
    const first = await open(kept)
    for (let use = 0; use < 3; use++) {
      const { status, json } = await renew(first)
      expect(status).toBe(200)
      expect(json.refresh_token).toBe(first)
    }
    expect(reused()).toHaveLength(0)
  })

  test('it ends on its day', async () => {
    const first = await open(kept)
    world.clock.advance(2_592_001)
    expectGone(await renew(first))
    world.clock.advance(-2_592_001)
    expect((await renew(first)).status).toBe(200)
  })

  test('a token that was rotated before the setting changed still ends its family', async () => {
    const shared = memoryStore()
    const first = await open({ store: shared })
    const second = (await renew(first)).json.refresh_token
    const { a } = world
    const other = await openWorld(familyWorld({ store: shared, ...kept }))
    try {
      expectGone(await other.token(a, refresh(first)))
      expectGone(await other.token(a, refresh(second)))
    } finally {
      other.https.close()
    }
  })
})
