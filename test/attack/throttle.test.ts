/**
 * security.md, case 17: guessing has an end, and nobody but who guesses feels it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromProxyHeader } from '../../lib'
import { memoryStore, openStore, sqliteStore } from '../../lib/store'
import {
  alice,
  authorizationOf,
  authorizePath,
  openBrowser,
  openPeopleWorld,
} from '../support/browser'
import { describeWithPostgres, startPostgres } from '../support/postgres'
import { type Answer, type Caller, openWorld, type Person, type World } from '../support/world'

const throttle = { failures: 3, window: 60 }
const wrong = { client_secret: 'a guess' }

let world: World
afterEach(() => world.close())

const statuses = (answers: Answer[]) => answers.map(({ status }) => status)

async function guess(times: number, person: Person = world.a, by: Caller = {}): Promise<number[]> {
  const answers: Answer[] = []
  for (let i = 0; i < times; i++) answers.push(await world.token(person, wrong, by))
  return statuses(answers)
}

function expectThrottled({ status, json, headers }: Answer, retryAfter = 60): void {
  expect(status).toBe(429)
  expect(json.error).toBe('temporarily_unavailable')
  expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  expect(Number(headers['retry-after'])).toBeLessThanOrEqual(retryAfter)
  expect(headers['cache-control']).toBe('no-store')
}

describe('17: guessing the secret of a client', () => {
  beforeEach(async () => {
    world = await openWorld({ throttle })
  })

  test('is answered 401 as often as allowed, then 429, the right secret too, until the window ends', async () => {
    expect(await guess(5)).toEqual([401, 401, 401, 429, 429])
    world.events.length = 0
    expectThrottled(await world.token(world.a))
    expect(world.only('request.refused')).toMatchObject({
      error: 'temporarily_unavailable',
      reason: 'throttled',
      client_id: world.a.client_id,
    })
    world.clock.advance(60)
    expect((await world.token(world.a)).status).toBe(200)
  })

  test('fifty times is one client’s trouble: others from there, and the real one elsewhere, go on', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => world.token(world.a, wrong)))
    expect(statuses(answers).filter((status) => status === 401)).toHaveLength(3)
    expect(statuses(answers).filter((status) => status === 429)).toHaveLength(47)
    expect((await world.token(world.b)).status).toBe(200)
    expect((await world.token(world.a, {}, { from: '127.0.0.2' })).status).toBe(200)
  })

  test('at once, the right one among them, gets no further than one after the other', async () => {
    const { a } = world
    const guesses = [...Array(40).fill(wrong), {}]
    const answers = await Promise.all(guesses.map((fields) => world.token(a, fields)))
    if (answers.at(-1)?.status === 200) return
    expectThrottled(answers.at(-1) as Answer)
  })

  test('counts failures, not successes, and only those of one window', async () => {
    for (let i = 0; i < 3; i++) {
      expect(await guess(2)).toEqual([401, 401])
      expect((await world.token(world.a)).status).toBe(200)
      world.clock.advance(60)
    }
  })

  test('is the same with any proof: no certificate, another’s, an unknown client', async () => {
    for (const certificate of [undefined, world.b.certificate, undefined]) {
      expect((await world.token(world.a, {}, { certificate })).status).toBe(401)
    }
    expectThrottled(await world.token(world.a))
    const nobody = { ...world.a, client_id: 'nobody' }
    expect(await guess(4, nobody)).toEqual([401, 401, 401, 429])
  })

  test('is the same at every endpoint where a client says who it is', async () => {
    world.app.post('/jobs', world.server.authenticateClient(), (_req, res) => void res.json({}))
    world.app.use(world.server.errorHandler)
    const { a } = world
    const ask = (path: string, client_secret: string) =>
      world.post(
        path,
        { token: 'x', client_id: a.client_id, client_secret },
        { certificate: a.certificate },
      )
    const paths = ['/oauth2/introspect', '/oauth2/revoke', '/oauth2/par']
    for (const path of paths) expect((await ask(path, 'a guess')).status).toBe(401)
    for (const path of [...paths, '/jobs']) expectThrottled(await ask(path, a.client_secret))
  })

  test('of a request that is malformed or names nobody is no guess', async () => {
    for (let i = 0; i < 5; i++) {
      const headers = { authorization: 'Basic eDp5' }
      expect((await world.token(world.a, {}, { headers })).status).toBe(400)
    }
    expect((await world.token(world.a)).status).toBe(200)
  })
})

describe('17: guessing the secret of a client behind a proxy', () => {
  const verified = { 'x-client-verify': 'SUCCESS' }
  const headerOf = ({ certificate }: Person) => ({
    'client-cert': `:${certificate.cert.replace(/-----.*?-----|\s/g, '')}:`,
  })
  const proxy = (more = {}) =>
    fromProxyHeader({ trusted: ['127.0.0.1'], verified: { header: 'x-client-verify' }, ...more })

  test('is counted by the address that the proxy names', async () => {
    world = await openWorld({
      throttle,
      certificate: proxy({ address_header: 'x-real-ip' }),
    })
    const from = (ip: string) => ({
      headers: { ...verified, ...headerOf(world.a), 'x-real-ip': ip },
    })
    expect(await guess(4, world.a, from('192.0.2.1'))).toEqual([401, 401, 401, 429])
    expectThrottled(await world.token(world.a, {}, from('192.0.2.1')))
    expect((await world.token(world.a, {}, from('192.0.2.2'))).status).toBe(200)
  })

  test('is counted by the network of an IPv6 address', async () => {
    world = await openWorld({
      throttle,
      certificate: proxy({ address_header: 'x-real-ip' }),
    })
    const from = (ip: string) => ({
      headers: { ...verified, ...headerOf(world.a), 'x-real-ip': ip },
    })
    const hosts = ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::3']
    for (const ip of hosts) expect(await guess(1, world.a, from(ip))).toEqual([401])
    expectThrottled(await world.token(world.a, {}, from('2001:db8::4')))
    expect((await world.token(world.a, {}, from('2001:db8:0:1::1'))).status).toBe(200)
  })

  test('is counted by the certificate where the proxy names no address', async () => {
    world = await openWorld({ throttle, certificate: proxy({ verified_value: 'SUCCESS' }) })
    const by = (person: Person) => ({ headers: { ...verified, ...headerOf(person) } })
    expect(await guess(4, world.a, by(world.b))).toEqual([401, 401, 401, 429])
    expectThrottled(await world.token(world.a, {}, by(world.b)))
    expect((await world.token(world.a, {}, by(world.a))).status).toBe(200)
  })
})

describe('17: guessing over two processes', () => {
  let dir: string
  let elsewhere: World
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'throttle-'))
    world = await openWorld({ throttle, store: sqliteStore(join(dir, 'a.db')) })
    elsewhere = await openWorld({ throttle, store: sqliteStore(join(dir, 'a.db')) })
  })
  afterEach(async () => {
    await elsewhere.close()
    await rm(dir, { recursive: true })
  })

  test('is counted together, and known to the one that saw nothing of it', async () => {
    const { a } = world
    expect(await guess(2)).toEqual([401, 401])
    expect((await elsewhere.token(a)).status).toBe(200)
    expect(await guess(1)).toEqual([401])
    expectThrottled(await elsewhere.token(a))
    expect((await elsewhere.token(world.b)).status).toBe(200)
  })

  test('in turn is no more than in one', async () => {
    const answers = []
    for (const by of [world, elsewhere, world, elsewhere, world]) {
      answers.push(await by.token(world.a, wrong))
    }
    expect(statuses(answers)).toEqual([401, 401, 401, 429, 429])
  })

  test('is forgotten by none that starts anew', async () => {
    expect(await guess(3)).toEqual([401, 401, 401])
    await elsewhere.close()
    elsewhere = await openWorld({ throttle, store: sqliteStore(join(dir, 'a.db')) })
    expectThrottled(await elsewhere.token(world.a))
  })
})

describeWithPostgres('17: guessing over two machines', () => {
  test('is counted together, and known to the other at once', async () => {
    const postgres = await startPostgres()
    const elsewhere = await openWorld({ throttle, store: await openStore(postgres.url) })
    world = await openWorld({ throttle, store: await openStore(postgres.url) })
    try {
      expect(await guess(3)).toEqual([401, 401, 401])
      const since = performance.now()
      let answer = await elsewhere.token(world.a)
      while (answer.status === 200 && performance.now() - since < 1_000) {
        answer = await elsewhere.token(world.a)
      }
      expectThrottled(answer)
    } finally {
      await elsewhere.close()
      await world.close()
      world = await openWorld()
      await postgres.stop()
    }
  }, 60_000)
})

describe('17: guessing the password of a user', () => {
  let lookedUp: jest.Mock
  beforeEach(async () => {
    const store = memoryStore()
    lookedUp = jest.fn(store.findAccount)
    world = await openPeopleWorld({
      throttle,
      store: { ...store, findAccount: lookedUp },
      a: { grant_types: ['password', 'authorization_code', 'client_credentials'] },
    })
    await world.server.accounts.create('bob', 'his own')
  })

  const logIn = (fields: Record<string, string>, by: Caller = {}) =>
    world.token(world.a, { grant_type: 'password', ...fields }, by)

  test('by the password grant is 400 as often as allowed, then 429, the right one too', async () => {
    const guess = { username: alice.username, password: 'a guess' }
    const answers = []
    for (let i = 0; i < 4; i++) answers.push(await logIn(guess))
    expect(statuses(answers)).toEqual([400, 400, 400, 429])
    expectThrottled(await logIn(alice))
    expect((await logIn({ username: 'bob', password: 'his own' })).status).toBe(200)
    expect((await logIn(alice, { from: '127.0.0.2' })).status).toBe(200)
    expect((await world.token(world.a)).status).toBe(200)
  })

  test('at once gets no further, though each takes its time', async () => {
    const guesses = [1, 2, 3, 4].map((n) => logIn({ ...alice, password: `guess ${n}` }))
    const answers = await Promise.all([...guesses, logIn(alice)])
    // Or 503, where five hashes take longer than a request may wait.
    expect([429, 503]).toContain(answers.at(-1)?.status)
  })

  test('in a browser ends in a page that says so, for the right one too', async () => {
    const browser = openBrowser(world)
    const path = authorizePath(authorizationOf(world.a, { scope: 'openid' }))
    const login = await browser.visit(path)
    const send = (password: string) => browser.send(login, { username: 'alice', password })
    for (let i = 0; i < 3; i++) expect((await send('a guess')).status).toBe(403)
    const refused = await send(alice.password)
    expect(refused.status).toBe(429)
    expect(refused.headers['retry-after']).toMatch(/^\d+$/)
    expect(refused.location).toBeUndefined()
    expect(refused.text).toContain('Too many failed attempts')
    world.clock.advance(60)
    const again = await browser.send(await browser.visit(path), alice)
    expect(again.status).toBe(200)
  })

  test('is one count, in the browser and by the password grant, and costs no hash any more', async () => {
    for (let i = 0; i < 3; i++) await logIn({ ...alice, password: 'a guess' })
    const browser = openBrowser(world)
    const login = await browser.visit(authorizePath(authorizationOf(world.a, { scope: 'openid' })))
    lookedUp.mockClear()
    expect((await browser.send(login, alice)).status).toBe(429)
    expect((await logIn(alice)).status).toBe(429)
    expect(lookedUp).not.toHaveBeenCalled()
  })
})
