import type { Trust } from '../certificate/trust'
import type { Clock } from '../plugin/plugin'
import type { Keys } from '../token/keys'

/** What `GET /health` says; it names no client and no secret. */
export interface Health {
  status: 'ready' | 'degraded' | 'unavailable'
  reasons: readonly string[]
}

export interface HealthReasons {
  degraded: string[]
  unavailable: string[]
}

/** Asks store, keys and trust each time; `more` is what the process around the server knows. */
export async function readHealth(
  {
    store,
    keys,
    trust,
    clock,
  }: {
    store: { ping(): Promise<void> }
    keys: Pick<Keys, 'signing'>
    trust: Pick<Trust, 'warnings'>
    clock: Clock
  },
  more: HealthReasons,
): Promise<Health> {
  const unavailable = [...more.unavailable]
  const asked = performance.now()
  await store.ping().catch(() => unavailable.push('store'))
  const isSlow = performance.now() - asked > slow
  if (keys.signing() === undefined) unavailable.push('no_signing_key')
  if (unavailable.length > 0) return { status: 'unavailable', reasons: unavailable }

  const warnings = trust.warnings(clock.now()).map(({ reason }) => reason)
  const degraded = [...new Set([...more.degraded, ...warnings, ...(isSlow ? ['store_slow'] : [])])]
  return { status: degraded.length > 0 ? 'degraded' : 'ready', reasons: degraded }
}

/** Milliseconds for the smallest question to the store: requests take a multiple of it. */
const slow = 250
