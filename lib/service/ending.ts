/** The end of a process: once, in time, and with the last log line written. */
import { textOf } from '../error/text-of'
import type { ProcessLog } from './log'

export interface Ending {
  /** Closes; again: the same promise. */
  close(): Promise<void>
  /** Closes and ends the process; the highest code given counts. */
  stop(code: number): void
}

/** A supervisor waits five seconds; what hangs must not make it wait longer. */
const limit = 4_600

export function openEnding(log: ProcessLog, closeAll: () => Promise<void>): Ending {
  let closing: Promise<void> | undefined
  let exitCode = 0

  function close(): Promise<void> {
    closing ??= closeAll().finally(async () => {
      await log.flush()
      log.close()
    })
    return closing
  }

  return {
    close,
    stop(code) {
      exitCode = Math.max(exitCode, code)
      const exit = () => process.exit(exitCode)
      setTimeout(exit, limit)
      close().then(exit, (cause: unknown) => {
        process.stderr.write(`${textOf(cause)}\n`)
        exitCode = Math.max(exitCode, 1)
        exit()
      })
    },
  }
}
