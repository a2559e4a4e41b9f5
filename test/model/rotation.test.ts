import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { openAccounts } from '../../lib/account/accounts'
import { type Client, clientOf, type Judge } from '../../lib/client/client'
import { openClients } from '../../lib/client/clients'
import { isVerdict } from '../../lib/client/verdict'
import { OAuthError } from '../../lib/error/oauth-error'
import { introspect } from '../../lib/server/introspect'
import { issueTokens } from '../../lib/server/issue'
import { revokeToken } from '../../lib/server/revoke'
import { readTokenRequest } from '../../lib/server/token-request'
import { memoryStore, type Store, sqliteStore } from '../../lib/store'
import { openKeys } from '../../lib/token/keys'
import { digestOpaque } from '../../lib/token/opaque'
import { refreshToken } from '../../plugins/grant/refresh-token'
import {
  apply,
  applyTogether,
  type Operation,
  type Outcome,
  type Rules,
  type State,
  start,
  type Who,
} from './rotation-model'

/**
 * Rotation and revocation against a model (security.md section 5): random sequences of renewals, reuse,
 * revocation and introspection by two clients, up to four at the same time with the store's steps
 * taken in random order. In every run what came out must be what some order of them gives.
 */
const runs = process.env.MTLS_SECRET_FULL === '1' ? 5_000 : 400

const scopes = ['read', 'write', 'pay']
const issuer = 'https://id.example'
const familyLife = 10_000_000
const accessLife = 3_600_000

/** A command picks tokens by number among all that were seen, mostly of the latest: any may come at any time. */
type Step =
  | { kind: 'together'; commands: readonly Command[] }
  | { kind: 'wait'; milliseconds: number }
  | { kind: 'toggle'; who: Who }

interface Command {
  kind: Operation['kind']
  by: Who
  pick: number
  scope: readonly string[] | undefined
}

const who = fc.constantFrom<Who>('a', 'b')
const command: fc.Arbitrary<Command> = fc.record({
  kind: fc.constantFrom('begin', 'renew', 'renew', 'renew', 'renew', 'revoke', 'introspect'),
  // Mostly the owner of most families, so that something happens.
  by: fc.oneof({ weight: 4, arbitrary: fc.constant<Who>('a') }, { weight: 1, arbitrary: who }),
  pick: fc.oneof({ weight: 3, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: fc.nat(1_000) }),
  scope: fc.option(fc.subarray([...scopes, 'root'], { minLength: 1 }), { nil: undefined, freq: 3 }),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('together' as const),
      commands: fc.array(command, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      milliseconds: fc.constantFrom(1, 5_000, 10_000, 10_001, accessLife, familyLife / 2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('toggle' as const), who }) },
)
const rules = fc.record({
  grace: fc.constantFrom(0, 10_000),
  renews: fc.constantFrom(true, true, true, false),
  familyLife: fc.constant(familyLife),
  accessLife: fc.constant(accessLife),
})

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'model-'))
})
afterAll(() => rm(directory, { recursive: true }))

describe.each<[string, () => Store]>([
  ['memory', () => memoryStore()],
  ['SQLite', () => sqliteStore(join(directory, 'a.db'), { synchronous: 'NORMAL' })],
])('on %s', (_, open) => {
  test(`rotation and revocation are what the model says, in ${runs} sequences`, async () => {
    const system = await openSystem(open())
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.scheduler(),
          rules,
          fc.array(step, { minLength: 1, maxLength: 12 }),
          (scheduler, rules, steps) => check(system, scheduler, rules, steps),
        ),
        { numRuns: runs },
      )
    } finally {
      await system.close()
    }
  }, 600_000)
})

async function check(
  system: System,
  scheduler: fc.Scheduler,
  rules: Rules,
  steps: readonly Step[],
): Promise<void> {
  const seen: Issued[] = []
  let states: State[] = [start]
  system.begin(rules, scheduler)
  for (const step of steps) {
    if (step.kind === 'wait') system.advance(step.milliseconds)
    else if (step.kind === 'toggle') {
      const disabled = await system.toggle(step.who)
      states = states.map((state) => ({ ...state, disabled }))
    } else {
      const operations = step.commands.map((command) => operationOf(command, seen))
      const outcomes = await system.run(operations)
      states = applyTogether(
        states,
        rules,
        system.now(),
        operations.map((operation, index) => ({
          operation,
          outcome: outcomes[index] ?? { refused: 'nothing' },
        })),
      ).filter(({ reused, revoked }) => reused === system.reused() && revoked === system.revoked())
      if (states.length === 0) {
        throw new Error(`No order gives this: ${JSON.stringify({ operations, outcomes })}`)
      }
      for (const outcome of outcomes) {
        if ('issued' in outcome) seen.push(outcome.issued)
      }
    }
  }
  await system.enableAll()
}

type Issued = Extract<Outcome, { issued: unknown }>['issued']

function operationOf({ kind, by, pick, scope }: Command, seen: readonly Issued[]): Operation {
  const picked = seen[seen.length - 1 - (pick % Math.max(1, seen.length))]
  if (kind === 'begin' || picked === undefined) {
    return { kind: 'begin', by, scope: (scope ?? scopes).filter((name) => name !== 'root') }
  }
  if (kind === 'renew') return { kind, by, token: picked.refresh, scope }
  return { kind, by, token: pick % 2 === 0 ? picked.refresh : picked.access }
}

interface System {
  begin(rules: Rules, scheduler: fc.Scheduler): void
  run(operations: readonly Operation[]): Promise<Outcome[]>
  now(): number
  advance(milliseconds: number): void
  /** Those who are disabled then. */
  toggle(who: Who): Promise<Who[]>
  enableAll(): Promise<void>
  reused(): number
  revoked(): number
  close(): Promise<void>
}

/** The server's own functions over a store whose every step waits for the scheduler. */
async function openSystem(real: Store): Promise<System> {
  await real.open()
  let now = Date.now()
  let rules: Rules = { grace: 0, renews: true, familyLife, accessLife }
  let scheduler: fc.Scheduler | undefined
  let told = { reuseDetected: 0, revoked: 0 }
  const clock = { now: () => now }
  const store = stepByStep(real, () => scheduler)
  const clients = openClients(store, clock)
  const keys = await openKeys(
    { directory: undefined, algorithm: 'ES256', overlap: 1, mayCreate: true },
    real,
    clock,
  )
  const { grant } = await refreshToken.setup({
    clock,
    refreshTokens: { find: (token: string) => store.findRefreshToken(digestOpaque(token)) },
  } as never)
  const log = { info() {}, warn() {}, error() {} }
  const parts = {
    issuer,
    keys,
    clients,
    accounts: openAccounts(store, clock),
    tokens: store,
    clock,
    log,
    get settings() {
      return {
        app_access_token_validity: accessLife / 1000,
        user_access_token_validity: accessLife / 1000,
        authorization_code_validity: 60,
        refresh_token_validity: familyLife / 1000,
        renew_refresh_token: rules.renews,
        grace: rules.grace / 1000,
      }
    },
    registry: { grant: () => grant },
    tell(name: keyof typeof told) {
      told[name] += 1
    },
  } as never as Parameters<typeof issueTokens>[0] & Parameters<typeof revokeToken>[0]

  const persons: Record<Who, Client> = { a: await create('a'), b: await create('b') }
  async function create(client_name: string): Promise<Client> {
    const { client } = await clients.create({
      client_name,
      without_certificate: true,
      grant_types: ['password', 'refresh_token'],
      scope: scopes.join(' '),
    })
    const record = await real.findClient(client.client_id)
    if (record === undefined) throw new Error('no client')
    return clientOf(record, {} as Judge)
  }

  async function perform(operation: Operation): Promise<Outcome> {
    const client = persons[operation.by]
    const received = receivedOf(operation)
    switch (operation.kind) {
      case 'begin': {
        const decision = { sub: 'user', scope: operation.scope.join(' '), refreshable: true }
        return issuedBy(await issueTokens(parts, received, client, decision, {}))
      }
      case 'renew': {
        const decision = await grant?.decide(received.request, client)
        if (decision === undefined || isVerdict(decision)) return { refused: 'invalid_grant' }
        return issuedBy(await issueTokens(parts, received, client, decision, {}))
      }
      case 'revoke':
        await revokeToken(parts, received, client)
        return { done: true }
      case 'introspect':
        return { active: (await introspect(parts, received, client)).active }
    }
  }

  const disabled = new Set<Who>()
  const system: System = {
    begin(given, order) {
      rules = given
      scheduler = order
      told = { reuseDetected: 0, revoked: 0 }
    },
    async run(operations) {
      const all = Promise.all(
        operations.map((operation) =>
          perform(operation).catch((cause: unknown): Outcome => {
            if (cause instanceof OAuthError) return { refused: cause.code }
            throw cause
          }),
        ),
      )
      return scheduler === undefined ? all : scheduler.waitFor(all)
    },
    now: clock.now,
    advance(milliseconds) {
      now += milliseconds
    },
    async toggle(who) {
      const { client_id } = persons[who]
      const change = (record: Parameters<Parameters<Store['changeClient']>[1]>[0]) => ({
        ...record,
        disabled: !record.disabled,
      })
      const record = await real.changeClient(client_id, change)
      if (record?.disabled) disabled.add(who)
      else disabled.delete(who)
      return [...disabled]
    },
    async enableAll() {
      for (const who of [...disabled]) await system.toggle(who)
    },
    reused: () => told.reuseDetected,
    revoked: () => told.revoked,
    async close() {
      keys.close()
      await clients.close()
      await real.close()
    },
  }
  return system
}

function receivedOf(operation: Operation) {
  const scope = 'scope' in operation ? operation.scope?.join(' ') : undefined
  const token = 'token' in operation ? operation.token : undefined
  const parameters = Object.fromEntries(
    Object.entries({ scope, token, refresh_token: token }).flatMap(([name, value]) =>
      value ? [[name, value]] : [],
    ),
  )
  return readTokenRequest({
    form: { parameters, client_secret: undefined },
    headers: {},
    query: undefined,
    presented: undefined,
    unread: undefined,
    ip: undefined,
    request_id: 'model',
  })
}

function issuedBy({ answer }: Awaited<ReturnType<typeof issueTokens>>): Outcome {
  return { issued: { access: answer.access_token, refresh: answer.refresh_token ?? '' } }
}

/** The store, but each of its steps about tokens begins when the scheduler says so. */
function stepByStep(store: Store, scheduler: () => fc.Scheduler | undefined): Store {
  const steps = ['findRefreshToken', 'commitIssue', 'revokeGrant', 'isGrantRevoked'] as const
  const waiting = Object.fromEntries(
    steps.map((name) => [
      name,
      (...given: unknown[]) => {
        const step = () => (store[name] as (...given: unknown[]) => Promise<unknown>)(...given)
        return scheduler()?.schedule(Promise.resolve(), name).then(step) ?? step()
      },
    ]),
  )
  return { ...store, ...waiting }
}

test('the model itself refuses what must not happen', () => {
  const rules: Rules = { grace: 0, renews: true, familyLife, accessLife }
  const issued = (refresh: string) => ({ issued: { access: `access of ${refresh}`, refresh } })
  const begun = apply(start, rules, 0, { kind: 'begin', by: 'a', scope: scopes }, issued('one'))
  if (begun === undefined) throw new Error('nothing began')
  const renewal: Operation = { kind: 'renew', by: 'a', token: 'one', scope: undefined }
  const two = { operation: renewal, outcome: issued('two') }
  const three = { operation: renewal, outcome: issued('three') }
  const lost = { operation: renewal, outcome: { refused: 'invalid_grant' } }
  expect(applyTogether([begun], rules, 0, [two, three])).toEqual([])
  expect(applyTogether([begun], rules, 0, [lost, lost])).toEqual([])
  expect(applyTogether([begun], rules, 0, [lost, two])).toHaveLength(1)
})
