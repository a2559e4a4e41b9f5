/**
 * What the throttle needs of storage: failed proofs of who one is, counted by key over all processes.
 * A count belongs to a window that begins with its first failure. Times in milliseconds.
 */
export interface Failure {
  key: string
  now: number
  /** How long a window is. */
  window: number
  /** The failure that makes so many blocks its key until the window ends. */
  limit: number
}

export interface FailureWindow {
  failures: number
  ends: number
}

export interface BlockedKey {
  key: string
  ends: number
  /** Its place among all blocks there ever were. */
  blocked: number
}

/** A window that ends later than this was counted by a clock that has been set back since, and is over. */
export function latestEnd({ now, window }: Pick<Failure, 'now' | 'window'>): number {
  return now + window + skew
}

/** Milliseconds that the clocks of two machines may differ. */
const skew = 60_000

export interface ThrottleStore {
  /** The number of the last block by any process, cheap enough for each request; NaN while it is not known. */
  lastBlock(): number
  /** Counts one more, durably. */
  countFailure(failure: Failure): Promise<FailureWindow>
  /** At most `limit` of the keys that were blocked after the block of that number, in their order. */
  blockedAfter(number: number, limit: number): Promise<readonly BlockedKey[]>
  /** Removes at most `limit` windows that ended before `before`; how many it removed. */
  forgetFailures(before: number, limit: number): Promise<number>
}
