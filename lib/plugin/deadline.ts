import type { MaybePromise } from '../client/client-store'

/**
 * Time limits for handlers. A limit on each call must cost next to nothing, so one timer looks at all
 * that are under way instead of one timer for each; it is late by a twentieth of the limit at most.
 */
export interface Deadline {
  /** The value of `work`, or the error of `late` when it is not there in time. */
  within<T>(work: MaybePromise<T>, late: () => Error): MaybePromise<T>
  close(): void
}

interface Waiting {
  /** The look at which it is late. */
  until: number
  late: () => Error
  reject(error: Error): void
}

/** Looks that fit into the limit. */
const looks = 20

/**
 * Every call gets the same `limit`, in milliseconds, so the oldest is always the first to end. With
 * `keepsAlive` the process does not end before it, where nothing else is left to wait for.
 */
export function openDeadline(limit: number, { keepsAlive = false } = {}): Deadline {
  const waiting = new Set<Waiting>()
  let look = 0
  const timer = setInterval(() => endLate(waiting, ++look), Math.max(1, limit / looks))
  if (!keepsAlive) timer.unref()
  return {
    within(work, late) {
      if (!isThenable(work)) return work
      return new Promise((resolve, reject) => {
        const entry: Waiting = { until: look + looks + 1, late, reject }
        waiting.add(entry)
        // A promise of another library may never settle either, settle twice or throw.
        Promise.resolve(work).then(
          (value) => {
            waiting.delete(entry)
            resolve(value)
          },
          (error) => {
            waiting.delete(entry)
            reject(error)
          },
        )
      })
    },
    close: () => clearInterval(timer),
  }
}

/** Whether `await` would wait for it. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const mayHave = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return mayHave && 'then' in value && typeof value.then === 'function'
}

function endLate(waiting: Set<Waiting>, look: number): void {
  for (const entry of waiting) {
    if (entry.until > look) return
    waiting.delete(entry)
    entry.reject(entry.late())
  }
}
