import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { describeWithPostgres, startPostgres, type TestPostgres } from '../support/postgres'
import type { Answer, Order } from './process'
import type { Operation, Rules, Who } from './rotation-model'
import { check, rules, type System, step } from './sequence'

/**
 * The same sequences as in `fit-the-model.ts`, taken by two processes on one database: what each of
 * several operations at once comes to must be what some order of all of them gives.
 */
const runs = process.env.MTLS_SECRET_FULL === '1' ? 5_000 : 60

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'model-'))
})
afterEach(() => rm(directory, { recursive: true }))

test(
  `on SQLite two processes rotate and revoke as the model says, in ${runs} sequences`,
  () => holds(`sqlite:${join(directory, 'a.db')}`),
  1_200_000,
)

describeWithPostgres('with PostgreSQL', () => {
  let postgres: TestPostgres
  beforeAll(async () => {
    postgres = await startPostgres()
  }, 60_000)
  afterAll(() => postgres.stop())

  test(
    `on PostgreSQL two processes rotate and revoke as the model says, in ${runs} sequences`,
    async () => holds(await postgres.createDatabase()),
    1_200_000,
  )
})

async function holds(url: string): Promise<void> {
  const first = await startProcess(url)
  const { a, b } = first.last.client_ids
  const second = await startProcess(url, a, b)
  try {
    const system = together([first, second])
    await fc.assert(
      fc.asyncProperty(rules, fc.array(step, { minLength: 1, maxLength: 12 }), (rules, steps) =>
        check(system, rules, steps),
      ),
      // Which process is first is chance: a sequence can't be taken again to make it smaller.
      { numRuns: runs, endOnFailure: true },
    )
  } finally {
    await Promise.all([first.end(), second.end()])
  }
}

interface OtherProcess {
  last: Answer
  tell(order: Order): Promise<Answer>
  end(): Promise<void>
}

async function startProcess(url: string, ...client_ids: string[]): Promise<OtherProcess> {
  const child: ChildProcess = fork(
    resolve('test/model/process.ts'),
    [url, join(directory, 'keys'), ...client_ids],
    { execArgv: ['-r', resolve('test/support/typescript.cjs')] },
  )
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`A process ended with ${code}.`)
  })
  ended.catch(() => {})
  const answered = async () => (await Promise.race([once(child, 'message'), ended]))[0] as Answer
  const started: OtherProcess = {
    last: await answered(),
    async tell(order) {
      const answer = answered()
      child.send(order)
      started.last = await answer
      return started.last
    },
    async end() {
      child.disconnect()
      await ended.catch(() => {})
    },
  }
  return started
}

function together(processes: readonly [OtherProcess, OtherProcess]): System {
  const [first, second] = processes
  let now = Date.now()
  const sum = (count: 'reused' | 'revoked') => first.last[count] + second.last[count]
  let disabled: Who[] = []
  let turn = 0
  const system: System = {
    async begin(rules: Rules) {
      await Promise.all(processes.map((each) => each.tell({ tell: 'begin', rules })))
    },
    async run(operations) {
      const share = (rest: number) => operations.filter((_, index) => index % 2 === rest)
      turn += 1
      const [one, two] = turn % 2 === 0 ? [first, second] : [second, first]
      const [even, odd] = await Promise.all([
        one.tell({ tell: 'run', operations: share(0), now }),
        two.tell({ tell: 'run', operations: share(1), now }),
      ])
      return operations.map((_: Operation, index) => {
        const { outcomes } = index % 2 === 0 ? even : odd
        return outcomes[Math.floor(index / 2)] ?? { refused: 'nothing' }
      })
    },
    now: () => now,
    advance(milliseconds) {
      now += milliseconds
    },
    async toggle(who) {
      disabled = (await first.tell({ tell: 'toggle', who })).disabled
      // Everywhere within a second; here it is waited for, so that the model need not know the time.
      const seen: Order = { tell: 'see', who, disabled: disabled.includes(who) }
      await Promise.all(processes.map((each) => each.tell(seen)))
      return disabled
    },
    async enableAll() {
      for (const who of [...disabled]) await system.toggle(who)
    },
    reused: () => sum('reused'),
    revoked: () => sum('revoked'),
    async close() {},
  }
  return system
}
