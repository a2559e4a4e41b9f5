/**
 * A process does one thing at a time: a plugin that computes for seconds lets everybody wait, and
 * nothing inside can end it. What can be done is to say so afterwards.
 */
import type { Log } from '../plugin/plugin'

/** The returned function ends the watch. */
export function watchStandstill(log: Log): () => void {
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    const late = now - last - interval
    last = now
    if (late > tolerated) log.warn('process.stood_still', { milliseconds: Math.round(late) })
  }, interval).unref()
  return () => clearInterval(timer)
}

/** Milliseconds. */
const interval = 250
const tolerated = 1_000
