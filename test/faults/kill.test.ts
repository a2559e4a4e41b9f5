/**
 * F1, F2: a process that is killed at any moment has lost nothing that it answered, and what it had
 * not answered is either done or not, never half.
 */
import { openStore } from '../../lib/store'
import { digestOpaque } from '../../lib/token/opaque'
import {
  type FaultyService,
  family,
  faultyService,
  keepAlive,
  listening,
  renewal,
  rounds,
  sqlite,
  token,
  wait,
} from './service'

let service: FaultyService
afterEach(() => service.remove())

/** What one client was answered: each refresh token of its family, and what it asked last. */
interface Chain {
  answered: string[]
  /** Renewed when the process died; whether that was done nobody was told. */
  open: string | undefined
}

async function renewUntilKilled(url: string): Promise<Chain> {
  const agent = keepAlive()
  const chain: Chain = { answered: [], open: undefined }
  try {
    for (;;) {
      const [last] = chain.answered.slice(-1)
      chain.open = last
      const answer = await token(url, service.a, last ? renewal(last) : family, agent)
      if (answer.status !== 200) throw new Error(`answered ${answer.status}`)
      chain.answered.push(String(answer.body.refresh_token))
    }
  } catch (error) {
    if (!/ECONN|hang up|EPIPE/.test(String(error))) throw error
    return chain
  } finally {
    agent.destroy()
  }
}

test('F1, F2: nothing that was answered is lost, no token works twice, none that was answered not at all', async () => {
  service = await faultyService({ more: '[oauth.token_renewal]\ngrace = 30' })
  const every: string[] = []
  for (let round = 0; round < rounds(3, 20); round++) {
    const before = service.start()
    const url = await listening(before)
    const running = Promise.all(Array.from({ length: 4 }, () => renewUntilKilled(url)))
    await wait(200 + Math.random() * rounds(600, 1_800))
    before.signal('SIGKILL')
    const chains = await running
    expect((await before.ended).signal).toBe('SIGKILL')

    const database = await sqlite(service.file('a.db'))
    expect(database.all('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])
    database.close()

    const after = service.start()
    const again = await listening(after)
    for (const { answered, open } of chains) {
      every.push(...answered)
      const last = answered.at(-1)
      if (last === undefined) continue
      expect(open).toBe(last)
      // Used or not, it brings a successor, and always the same one: its answer may have been lost.
      const first = await token(again, service.a, renewal(last))
      expect(first.status).toBe(200)
      const second = await token(again, service.a, renewal(last))
      expect(second.body.refresh_token).toBe(first.body.refresh_token)
      expect(
        (await token(again, service.a, renewal(String(second.body.refresh_token)))).status,
      ).toBe(200)
      // What is over is over: the whole family ends when an old token comes back.
      const old = await token(again, service.a, renewal(last))
      expect(old).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    }
    after.signal('SIGTERM')
    expect((await after.ended).code).toBe(0)
  }
  const store = await openStore(service.database)
  for (const answered of every) {
    expect(await store.findRefreshToken(digestOpaque(answered))).toBeDefined()
  }
  await store.close()
  expect(every.length).toBeGreaterThan(20)
}, 900_000)
