/**
 * What the outside and the inside can do to a process. An exception that nobody caught leaves it in
 * an unknown state: it says so, finishes what it has and goes, for a supervisor to start another.
 */
import { textOf } from '../error/text-of'
import type { Log } from '../plugin/plugin'

export interface SignalHandlers {
  /** SIGHUP. */
  reload(): void
  /** SIGTERM and SIGINT. Ends the process with `code` when it is done. */
  stop(code: number): void
}

/** The returned function takes the handlers away again. */
export function handleSignals(log: Log, { reload, stop }: SignalHandlers): () => void {
  let stopping = false
  const end = (_signal: NodeJS.Signals, number: number) => {
    // Asked twice: now.
    if (stopping) process.exit(128 + number)
    stopping = true
    stop(0)
  }
  const fail = (cause: unknown) => {
    log.error('process.failed', {
      problem: textOf(cause),
      stack: cause instanceof Error ? stackFrames(cause) : undefined,
    })
    stopping = true
    stop(1)
  }
  process.on('SIGTERM', end).on('SIGINT', end).on('SIGHUP', reload)
  // A rejection that nobody handles comes as an exception, too.
  process.on('uncaughtException', fail)
  return () => {
    process.off('SIGTERM', end).off('SIGINT', end).off('SIGHUP', reload)
    process.off('uncaughtException', fail)
  }
}

function stackFrames({ stack = '' }: Error): string[] {
  return stack
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 8)
    .map((line) => line.trim())
}
