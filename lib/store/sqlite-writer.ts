import { setTimeout as sleep } from 'node:timers/promises'
import { overloaded, sqliteFault, storeFault } from './fault'

/**
 * Group commit: all that is to be written in one turn of the event loop becomes one transaction, so
 * that many answers share one flush of the disk. Each is answered after the COMMIT; one that fails is
 * undone alone; when the COMMIT fails, all have failed. Jobs run without a pause, so nothing comes
 * between two statements of one.
 *
 * Where another process holds the lock, waiting inside SQLite would stop every request of this one:
 * SQLite waits a few milliseconds, the rest is waited for here, up to `patience`, then it is 503.
 */
export interface Writer {
  write<T>(work: () => T): Promise<T>
  /** Refuses new work and waits for what was asked before. */
  close(): Promise<void>
}

/**
 * `execute` runs one statement and throws what the driver throws; `committed` is told of each commit
 * before anybody is answered.
 */
export function groupCommit(execute: Execute, committed: () => void): Writer {
  const waiting: Job[] = []
  let working: Promise<void> | undefined
  let closed = false

  async function workOff(): Promise<void> {
    while (waiting.length > 0) {
      await nextTurn()
      const group = waiting.splice(0, groupSize)
      if (commit(execute, committed, group)) continue
      waiting.unshift(...patient(group))
      await sleep(10 + Math.random() * 20)
    }
    working = undefined
  }

  return {
    write<T>(work: () => T) {
      return new Promise<T>((resolve, reject) => {
        if (closed) return reject(storeFault(new Error('The store is closed.')))
        if (waiting.length >= queueSize) return reject(overloaded())
        const deadline = performance.now() + patience
        waiting.push({ work, resolve: (value) => resolve(value as T), reject, deadline })
        working ??= workOff()
      })
    },
    async close() {
      closed = true
      await working
    },
  }
}

const groupSize = 250
const queueSize = 2_000
const patience = 1_500

type Execute = (sql: string) => void

interface Job {
  work(): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
  deadline: number
}

/** False when another process holds the lock; otherwise each job of the group has its answer. */
function commit(execute: Execute, committed: () => void, group: readonly Job[]): boolean {
  try {
    execute('begin immediate')
  } catch (error) {
    if (sqliteFault(error) === 'BUSY') return false
    for (const job of group) job.reject(storeFault(error))
    return true
  }
  try {
    const answers = group.map((job) => attempt(execute, job))
    execute('commit')
    committed()
    for (const answer of answers) answer()
  } catch (error) {
    undo(execute)
    for (const job of group) job.reject(storeFault(error))
  }
  return true
}

/** One job, undone alone when it throws. Throws itself when the whole transaction is gone. */
function attempt(execute: Execute, job: Job): () => void {
  execute('savepoint job')
  try {
    const value = job.work()
    execute('release job')
    return () => job.resolve(value)
  } catch (error) {
    execute('rollback to job')
    execute('release job')
    return () => job.reject(error)
  }
}

/** SQLite ends a transaction by itself after some failures; then there is none to undo. */
function undo(execute: Execute): void {
  try {
    execute('rollback')
  } catch {}
}

/** Those that may still wait; the others are told. */
function patient(group: readonly Job[]): Job[] {
  const now = performance.now()
  return group.filter((job) => {
    if (job.deadline > now) return true
    job.reject(storeFault(new Error('The database is locked by another process.')))
    return false
  })
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
