import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { memoryStore, type Store, sqliteStore } from '../../lib/store'
import { apply, applyTogether, type Operation, type Rules, start } from './rotation-model'
import { accessLife, check, familyLife, rules, scopes, step } from './sequence'
import { openSystem } from './system'

/**
 * Rotation and revocation against a model (security.md section 5): random sequences of renewals, reuse,
 * revocation and introspection by two clients, up to four at the same time with the store's steps
 * taken in random order. In every run what came out must be what some order of them gives.
 */
const runs = process.env.MTLS_SECRET_FULL === '1' ? 5_000 : 400

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
          (scheduler, rules, steps) => check(system, rules, steps, scheduler),
        ),
        { numRuns: runs },
      )
    } finally {
      await system.close()
    }
  }, 600_000)
})

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
