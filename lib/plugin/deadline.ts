import type { MaybePromise } from '../client/client-store'
import { isThenable } from '../client/maybe-promise'

/**
 * Time limits for handlers. A limit on each call must cost next to nothing, so one timer looks at all
 * that are under way instead of one timer for each; it is late by a twentieth of the limit at most.
 */
export interface Deadline {
  /**
   * The value of `work`, or the error of `late` when it is not there in time. What `work` rejects with
   * passes through `failed`.
   */
  within<T>(
    work: MaybePromise<T>,
    late: () => Error,
    failed?: (cause: unknown) => unknown,
  ): MaybePromise<T>
  close(): void
}

/** A link of the chain of all that are under way, the oldest first; it is its own neighbour when alone. */
interface Waiting {
  before: Waiting
  after: Waiting
  /** The look at which it is late. */
  until: number
  giveUp(): void
}

/** Looks that fit into the limit. */
const looks = 20

/**
 * Every call gets the same `limit`, in milliseconds, so the oldest is always the first to end. With
 * `keepsAlive` the process does not end before it, where nothing else is left to wait for.
 */
export function openDeadline(limit: number, { keepsAlive = false } = {}): Deadline {
  const ends = alone()
  let look = 0
  const timer = setInterval(() => endLate(ends, ++look), Math.max(1, limit / looks))
  if (!keepsAlive) timer.unref()
  return {
    within(work, late, failed = same) {
      if (!isThenable(work)) return work
      return new Promise((resolve, reject) => {
        const entry = addLast(ends, look + looks + 1, () => endBy(reject, late))
        const fail = (cause: unknown) => {
          if (remove(entry)) endBy(reject, () => failed(cause))
        }
        // A promise of another library may never settle either, settle twice or throw.
        try {
          Promise.resolve(work).then((value) => {
            if (remove(entry)) resolve(value)
          }, fail)
        } catch (cause) {
          fail(cause)
        }
      })
    },
    close: () => clearInterval(timer),
  }
}

const same = (cause: unknown) => cause

/** Whatever happens on the way to an error, the promise must end. */
function endBy(reject: (cause: unknown) => void, why: () => unknown): void {
  try {
    reject(why())
  } catch (cause) {
    reject(cause)
  }
}

function endLate(ends: Waiting, look: number): void {
  while (ends.after !== ends && ends.after.until <= look) {
    const entry = ends.after
    remove(entry)
    entry.giveUp()
  }
}

function alone(): Waiting {
  const ends = { until: Number.POSITIVE_INFINITY, giveUp: () => {} } as Waiting
  ends.before = ends
  ends.after = ends
  return ends
}

function addLast(ends: Waiting, until: number, giveUp: () => void): Waiting {
  const entry = { before: ends.before, after: ends, until, giveUp }
  ends.before.after = entry
  ends.before = entry
  return entry
}

/**
 * False when it was removed before: then it is over, whatever comes late. Points to nobody afterwards, as an
 * old link would keep younger ones alive.
 */
function remove(entry: Waiting): boolean {
  if (entry.before === entry) return false
  entry.before.after = entry.after
  entry.after.before = entry.before
  entry.before = entry
  entry.after = entry
  return true
}
