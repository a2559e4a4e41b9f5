import { OAuthError } from '../error/oauth-error'

export interface QueueLimits {
  /** Tasks that run at the same time. */
  running: number
  /** Tasks that may wait; one more is refused at once. */
  waiting: number
  /** Milliseconds that a task may wait before it is refused. */
  patience: number
}

/**
 * Runs costly tasks a few at a time. What can't start soon is refused with 503
 * `temporarily_unavailable` and `Retry-After`, so that a flood of logins can't starve everything else.
 */
export function boundedQueue({ running, waiting, patience }: QueueLimits) {
  const line = new Set<() => void>()
  let busy = 0

  return async function run<T>(task: () => Promise<T>): Promise<T> {
    if (busy < running) busy += 1
    else await turn()
    try {
      return await task()
    } finally {
      next()
    }
  }

  function turn(): Promise<void> {
    if (line.size >= waiting) throw overloaded()
    return new Promise((resolve, reject) => {
      const start = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        line.delete(start)
        reject(overloaded())
      }, patience)
      line.add(start)
    })
  }

  /** Hands the place of a finished task to the one that has waited longest. */
  function next(): void {
    const [start] = line
    if (start === undefined) {
      busy -= 1
      return
    }
    line.delete(start)
    start()
  }
}

function overloaded(): OAuthError {
  return new OAuthError('temporarily_unavailable', {
    reason: 'overloaded',
    headers: { 'retry-after': '2' },
  })
}
