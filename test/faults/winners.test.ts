/**
 * F14, and case 51: of many that show the same refresh token at once, to two processes, exactly one
 * is answered; and since all others hold a token that was used, the family ends.
 */
import { describeWithPostgres, startPostgres, type TestPostgres } from '../support/postgres'
import {
  type FaultyService,
  family,
  faultyService,
  keepAlive,
  listening,
  renewal,
  rounds,
  token,
} from './service'

const tokens = rounds(40, 1_000)
let service: FaultyService
afterEach(() => service.remove())

async function race(): Promise<void> {
  const urls = await Promise.all([listening(service.start()), listening(service.start())])
  const agents = Array.from({ length: 8 }, keepAlive)
  const urlOf = (index: number) => String(urls[index % 2])
  for (let n = 0; n < tokens; n++) {
    const { body } = await token(urlOf(n), service.a, family, agents[n % 2])
    const shown = renewal(String(body.refresh_token))
    const answers = await Promise.all(
      agents.map((agent, index) => token(urlOf(index), service.a, shown, agent)),
    )
    const winners = answers.filter(({ status }) => status === 200)
    expect(winners).toHaveLength(1)
    for (const answer of answers) {
      if (answer === winners[0]) continue
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    }
    const won = renewal(String(winners[0]?.body.refresh_token))
    expect((await token(urlOf(n + 1), service.a, won, agents[(n + 1) % 2])).status).toBe(400)
  }
  for (const agent of agents) agent.destroy()
}

test(`F14: on SQLite, ${tokens} tokens eight times each to two processes: one winner each`, async () => {
  service = await faultyService()
  await race()
}, 600_000)

describeWithPostgres('on PostgreSQL', () => {
  let postgres: TestPostgres
  beforeAll(async () => {
    postgres = await startPostgres()
  }, 60_000)
  afterAll(() => postgres.stop())

  test(`F14: ${tokens} tokens eight times each to two processes: one winner each`, async () => {
    service = await faultyService({ database: await postgres.createDatabase() })
    await race()
  }, 600_000)
})
