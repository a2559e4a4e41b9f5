/**
 * F3, F4, F5: a database that dies, falls silent or is slow costs answers, never a promise: 503 with
 * `Retry-After` in time, and everything again as soon as it is back.
 */
import type { Agent } from 'node:https'
import { openStore } from '../../lib/store'
import { digestOpaque } from '../../lib/token/opaque'
import { describeWithPostgres, startPostgres, type TestPostgres } from '../support/postgres'
import type { Running } from '../support/process'
import { type TcpProxy, tcpProxy } from '../support/tcp-proxy'
import { type Answer, ask } from '../unit/service/request'
import {
  type FaultyService,
  family,
  faultyService,
  keepAlive,
  listening,
  load,
  percentile,
  renewal,
  rounds,
  tally,
  token,
  until,
  wait,
} from './service'

describeWithPostgres('PostgreSQL', () => {
  let postgres: TestPostgres
  let proxy: TcpProxy
  let service: FaultyService
  let running: Running
  let url: string

  beforeAll(async () => {
    postgres = await startPostgres()
  }, 60_000)
  afterAll(() => postgres.stop())
  beforeEach(async () => {
    const database = new URL(await postgres.createDatabase())
    service = await faultyService({ database: database.href })
    proxy = await tcpProxy(Number(database.port))
    database.port = String(proxy.port)
    await service.remove()
    service = await faultyService({
      database: database.href,
      more: '[oauth.token_renewal]\ngrace = 30\n[server.limits]\nhandler_timeout = 5',
    })
    running = service.start()
    url = await listening(running)
  }, 60_000)
  afterEach(async () => {
    await service.remove()
    await proxy.close()
  })

  const health = async () => (await ask(`${url}/health`)).body
  const isReady = async () => (await health()).status === 'ready'

  /** Renews one family, through whatever happens; a renewal that failed is asked for again. */
  function renewing() {
    const answered: string[] = []
    let asks: Record<string, string> = family
    return {
      answered,
      async ask(agent: Agent): Promise<Answer> {
        const answer = await token(url, service.a, asks, agent)
        if (answer.status === 200) {
          const refresh_token = String(answer.body.refresh_token)
          answered.push(refresh_token)
          asks = renewal(refresh_token)
        }
        return answer
      },
    }
  }

  test('F3: a server that dies under load: 503 meanwhile, the process lives, nothing answered is lost', async () => {
    const chains = Array.from({ length: 8 }, renewing)
    let next = 0
    const byAgent = new Map<Agent, ReturnType<typeof renewing>>()
    const under = load(8, (agent) => {
      const chain = byAgent.get(agent) ?? chains[next++]
      if (chain === undefined) throw new Error('one chain for each connection')
      byAgent.set(agent, chain)
      return chain.ask(agent)
    })
    for (let round = 0; round < rounds(2, 10); round++) {
      await wait(300)
      await postgres.crash()
      await until(async () => (await health()).status === 'unavailable')
      expect(await health()).toMatchObject({ status: 'unavailable', reasons: ['store'] })
      await postgres.start()
      const since = performance.now()
      await until(isReady)
      expect(performance.now() - since).toBeLessThan(5_000)
    }
    await wait(300)
    const counts = tally(await under.stop())
    // A renewal that was not answered is answered when it is asked again: never 400, never a hang.
    // A connection that a busy machine let idle for longer than it may (status 0) is no failure.
    const { 200: answered = 0, 503: unavailable = 0, ...others } = counts
    expect(answered).toBeGreaterThan(0)
    expect(unavailable).toBeGreaterThan(0)
    expect(Object.keys(others).filter((status) => status !== '0')).toEqual([])
    expect(percentile(under.samples, 1)).toBeLessThan(5_000)

    const store = await openStore(service.database)
    for (const token of chains.flatMap((chain) => chain.answered)) {
      expect(await store.findRefreshToken(digestOpaque(token))).toBeDefined()
    }
    await store.close()
    expect(running.events.filter(({ event }) => event === 'process.failed')).toEqual([])
  }, 600_000)

  test('F4: a server that falls silent: 503 within its time however many ask, then all as before', async () => {
    const agents = Array.from({ length: 60 }, keepAlive)
    await Promise.all(agents.map((agent) => token(url, service.a, {}, agent)))
    proxy.silence()
    const since = performance.now()
    const answers = await Promise.all(agents.map((agent) => token(url, service.a, family, agent)))
    expect(performance.now() - since).toBeLessThan(4_500)
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
      expect(answer.headers['retry-after']).toBe('1')
    }
    expect(await health()).toMatchObject({ status: 'unavailable', reasons: ['store'] })
    // A certificate and a secret that were good a moment ago let nobody in now.
    expect((await token(url, service.a)).status).toBe(503)
    proxy.resume()
    await until(isReady)
    expect((await token(url, service.a, family)).status).toBe(200)
    for (const agent of agents) agent.destroy()
  }, 60_000)

  test('F5: a slow server: each answer in bounded time, health says so, nothing piles up', async () => {
    proxy.delay(150)
    await until(async () => (await health()).status === 'degraded')
    expect(await health()).toMatchObject({ reasons: ['store_slow'] })
    const under = load(40, (agent) => token(url, service.a, family, agent))
    await wait(4_000)
    const samples = await under.stop()
    expect(
      Object.keys(tally(samples)).filter((status) => !['200', '503'].includes(status)),
    ).toEqual([])
    expect(percentile(samples, 1)).toBeLessThan(6_000)
    proxy.delay(0)
    await until(isReady)
    const after = load(4, (agent) => token(url, service.a, family, agent))
    await wait(500)
    expect(percentile(await after.stop(), 0.5)).toBeLessThan(500)
  }, 60_000)
})
