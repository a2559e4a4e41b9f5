import fc from 'fast-check'
import {
  applyTogether,
  type Operation,
  type Outcome,
  type Rules,
  type State,
  start,
  type Who,
} from './rotation-model'

export const scopes = ['read', 'write', 'pay']
export const familyLife = 10_000_000
export const accessLife = 3_600_000

/** A command picks tokens by number among all that were seen, mostly of the latest: any may come at any time. */
export type Step =
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
export const step: fc.Arbitrary<Step> = fc.oneof(
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
export const rules = fc.record({
  grace: fc.constantFrom(0, 10_000),
  renews: fc.constantFrom(true, true, true, false),
  familyLife: fc.constant(familyLife),
  accessLife: fc.constant(accessLife),
})

/** Takes the steps, and holds what comes out against the model. */
export async function check(
  system: System,
  rules: Rules,
  steps: readonly Step[],
  scheduler?: fc.Scheduler,
): Promise<void> {
  const seen: Issued[] = []
  let states: State[] = [start]
  await system.begin(rules, scheduler)
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

/** What is held against the model: the server's own functions, in one process or in several. */
export interface System {
  /** With a scheduler the steps of the store are taken in its order. */
  begin(rules: Rules, scheduler?: fc.Scheduler): void | Promise<void>
  run(operations: readonly Operation[]): Promise<Outcome[]>
  now(): number
  advance(milliseconds: number): void
  /** Those who are disabled then. */
  toggle(who: Who): Promise<Who[]>
  enableAll(): Promise<void>
  /** Events told since `begin`. */
  reused(): number
  revoked(): number
  close(): Promise<void>
}
