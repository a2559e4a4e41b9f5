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
  until: number
  late: () => Error
  reject(error: Error): void
}

/** Every call gets the same `limit`, in milliseconds, so the oldest is always the first to end. */
export function openDeadline(limit: number): Deadline {
  const waiting = new Set<Waiting>()
  const timer = setInterval(() => endLate(waiting), Math.max(1, limit / 20))
  timer.unref()
  return {
    within(work, late) {
      if (!(work instanceof Promise)) return work
      return new Promise((resolve, reject) => {
        const entry: Waiting = { until: performance.now() + limit, late, reject }
        waiting.add(entry)
        work.then(
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

function endLate(waiting: Set<Waiting>): void {
  const now = performance.now()
  for (const entry of waiting) {
    if (entry.until > now) return
    waiting.delete(entry)
    entry.reject(entry.late())
  }
}
