import type { ThrottleStore } from '../client/throttle-store'
import { textOf } from '../error/text-of'
import type { TokenStore } from '../token/token-store'
import type { Parts } from './parts'

/**
 * Removes what has ended. A few rows at a time with a pause between them, so that no request waits
 * for it, and at odd moments, so that several processes seldom do the same: one is enough, more do
 * no harm. Nothing depends on it but the size of the database: what has ended is refused by its time.
 */
export interface CleanUp {
  /** Starts no further step, and resolves when the one under way is done. */
  close(): Promise<void>
}

type Needs = Pick<Parts, 'clock' | 'log' | 'settings'>
type Cleaned = Pick<TokenStore, 'removeExpired'> & Pick<ThrottleStore, 'forgetFailures'>

export function openCleanUp(parts: Needs, store: Cleaned): CleanUp {
  let open = true
  let timer: NodeJS.Timeout
  let pass: Promise<void> = Promise.resolve()

  const later = () => {
    timer = setTimeout(begin, interval * (0.5 + Math.random())).unref()
  }
  const begin = () => {
    pass = removeEnded(parts, store, () => open)
      .catch((cause: unknown) => parts.log.warn('cleanup.failed', { problem: textOf(cause) }))
      .finally(() => open && later())
  }
  later()
  return {
    async close() {
      open = false
      clearTimeout(timer)
      await pass
    },
  }
}

/** Milliseconds from one pass to the next, on average. */
const interval = 60_000
/** So many rows in one transaction; it takes a few milliseconds. */
const step = 100
const pause = 25
/** Milliseconds that the clocks of two machines may differ. */
const skew = 60_000

async function removeEnded(parts: Needs, store: Cleaned, goOn: () => boolean): Promise<void> {
  for (;;) {
    const ended = parts.clock.now() - skew
    const removed = await store.removeExpired(ended - longestLife(parts), step)
    const forgotten = await store.forgetFailures(ended, step)
    if (removed < step && forgotten < step) return
    await new Promise((resolve) => setTimeout(resolve, pause))
    if (!goOn()) return
  }
}

/** That a grant was revoked is remembered until the last access token of it has ended. */
function longestLife({ settings }: Needs): number {
  const { app_access_token_validity, user_access_token_validity } = settings
  return Math.max(app_access_token_validity, user_access_token_validity) * 1000
}
