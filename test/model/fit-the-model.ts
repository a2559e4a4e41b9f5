import fc from 'fast-check'
import type { Store } from '../../lib/store'
import { check, rules, step } from './sequence'
import { openSystem } from './system'

export const runs = process.env.MTLS_SECRET_FULL === '1' ? 5_000 : 400

/**
 * Rotation and revocation against a model (security.md section 5): random sequences of renewals, reuse,
 * revocation and introspection by two clients, up to four at the same time with the store's steps
 * taken in random order. In every run what came out must be what some order of them gives.
 */
export async function fitTheModel(store: Store): Promise<void> {
  const system = await openSystem(store)
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
}
