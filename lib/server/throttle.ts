import { ipBytes } from '../certificate/ip'
import type { MaybePromise } from '../client/client-store'
import {
  type Failure,
  type FailureWindow,
  latestEnd,
  type ThrottleStore,
} from '../client/throttle-store'
import { OAuthError } from '../error/oauth-error'
import type { RequestFacts } from '../plugin/events'
import type { Clock } from '../plugin/plugin'
import { digestOpaque } from '../token/opaque'

/**
 * Guessing has an end. Whoever fails `failures` times in a window to prove that he is this client or
 * this user is not listened to until the window ends, with the right secret neither: else the answer
 * would tell which guess it was. The count is kept by name and peer, so the real one goes on elsewhere.
 *
 * Failures are counted in the store, over all processes. A block is numbered there, and each process
 * looks at the last number: so a request that nobody fails with costs no write, and no read beyond it.
 */
export interface Throttle {
  /** Throws 429 for one who is blocked; asked before a proof is looked at. */
  check(guess: Guess): MaybePromise<void>
  /** The same by what this process knows: asked after a right proof, since others may have failed meanwhile. */
  recheck(guess: Guess): void
  /** Counts a failed proof. Throws 429 where it is one too many. */
  failed(guess: Guess): Promise<void>
}

/** Whom somebody wants to be, and where he is. */
export interface Guess {
  readonly as: 'client' | 'user'
  readonly name: string
  readonly facts: RequestFacts
}

/** `[throttle]`; the window in seconds. */
export interface ThrottleSettings {
  failures: number
  window: number
}

export function openThrottle(
  store: ThrottleStore,
  clock: Clock,
  settings: () => ThrottleSettings,
): Throttle {
  /** What failed here, so that many guesses at once get no further than one after the other. */
  const counted: Windows = new Map()
  const blocked: Windows = new Map()
  let seen = 0

  function check(guess: Guess): MaybePromise<void> {
    const last = store.lastBlock()
    return last === seen ? recheck(guess) : learn(last).then(() => recheck(guess))
  }

  function recheck(guess: Guess): void {
    if (blocked.size === 0) return
    const failure = failureOf(guess)
    dropEnded(blocked, failure)
    const window = blocked.get(failure.key)
    if (window !== undefined && runs(window, failure)) throw throttled(window, failure)
  }

  async function failed(guess: Guess): Promise<void> {
    recheck(guess)
    const failure = failureOf(guess)
    const here = countHere(failure)
    // Where the store can't count, each process does so for itself: a refusal is due in any case.
    const window = await store.countFailure(failure).catch(() => here)
    const { failures } = counted.get(failure.key) ?? here
    note(counted, failure, { ...window, failures: Math.max(failures, window.failures) })
    if (window.failures >= failure.limit) note(blocked, failure, window)
    if (window.failures > failure.limit) throw throttled(window, failure)
  }

  function countHere(failure: Failure): FailureWindow {
    const known = counted.get(failure.key)
    const window =
      known !== undefined && runs(known, failure)
        ? { ...known, failures: known.failures + 1 }
        : { failures: 1, ends: failure.now + failure.window }
    note(counted, failure, window)
    if (window.failures >= failure.limit) note(blocked, failure, window)
    return window
  }

  /** `last` is not a number while the store can't tell; then it is asked each time. */
  async function learn(last: number): Promise<void> {
    for (;;) {
      const blocks = await store.blockedAfter(seen, step)
      for (const { key, ends, blocked: number } of blocks) {
        note(blocked, { ...failureNow(), key }, { failures: 0, ends })
        seen = Math.max(seen, number)
      }
      if (blocks.length < step) break
    }
    if (last > seen) seen = last
  }

  function failureOf(guess: Guess): Failure {
    return { ...failureNow(), key: keyOf(guess) }
  }

  function failureNow(): Omit<Failure, 'key'> {
    const { failures, window } = settings()
    return { now: clock.now(), window: Math.ceil(window * 1000), limit: failures }
  }

  return { check, recheck, failed }
}

type Windows = Map<string, FailureWindow>

/** Windows kept in memory; beyond it the oldest are known again by their next failure. */
const most = 20_000
const step = 1_000

function note(windows: Windows, failure: Failure, window: FailureWindow): void {
  windows.delete(failure.key)
  windows.set(failure.key, window)
  dropEnded(windows, failure)
}

/** From the oldest on, which ends first. */
function dropEnded(windows: Windows, failure: Omit<Failure, 'key'>): void {
  for (const [key, window] of windows) {
    if (windows.size <= most && runs(window, failure)) break
    windows.delete(key)
  }
}

function runs({ ends }: FailureWindow, failure: Omit<Failure, 'key'>): boolean {
  return ends > failure.now && ends <= latestEnd(failure)
}

/** People type passwords where their name belongs, so no name is stored. */
function keyOf({ as, name, facts }: Guess): string {
  return digestOpaque(JSON.stringify([as, name, peerOf(facts)]))
}

/**
 * Behind a proxy that names no address the certificate serves. Of an IPv6 address its network counts:
 * whoever has one of its 2^64 addresses has them all.
 */
function peerOf({ ip, thumbprint = '' }: RequestFacts): string {
  if (ip === undefined) return thumbprint
  return ipBytes(ip)?.subarray(0, 8).toString('hex') ?? ip
}

function throttled({ ends }: FailureWindow, { now }: Failure): OAuthError {
  return new OAuthError('temporarily_unavailable', {
    reason: 'throttled',
    status: 429,
    description: 'Too many failed attempts. Try again later.',
    headers: { 'retry-after': String(Math.max(1, Math.ceil((ends - now) / 1000))) },
  })
}
