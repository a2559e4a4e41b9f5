/** One worker, as the primary process sees it. */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { SetupError } from '../error/setup-error'
import {
  type Listening,
  type Ports,
  portsVariable,
  type ReloadAnswer,
  type ReloadOrder,
  type ToPrimary,
  type ToWorker,
} from './messages'
import { hangUpOnStranded } from './stranded-connections'

export interface Member {
  readonly worker: Worker
  /** Rejects when it fails or ends before it listens. */
  readonly listening: Promise<Listening>
  readonly gone: Promise<unknown>
}

/** Runs the program once more, with its own arguments. */
export function startMember(ports: Ports): Member {
  const worker = cluster.fork({ [portsVariable]: JSON.stringify(ports) })
  hangUpOnStranded(worker.process)
  const gone = once(worker, 'exit')
  const listening = new Promise<Listening>((resolve, reject) => {
    worker.on('message', (message: ToPrimary) => {
      if (message.tell === 'listening') resolve(message)
      if (message.tell === 'failed') {
        reject(new SetupError(message.problem, message.fix, message.place))
      }
    })
    worker.once('exit', (code: number | null, signal: string | null) => {
      reject(
        new SetupError(`A worker ended at its start (${signal ?? code}).`, 'See its own words.'),
      )
    })
  })
  // Whoever waits hears of it; when nobody does, the end of the worker is seen by `gone`.
  listening.catch(() => undefined)
  return { worker, listening, gone }
}

export function sendTo({ worker }: Member, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, undefined, () => undefined)
}

export function kill({ worker }: Member): void {
  worker.process.kill('SIGKILL')
}

export async function listens({ listening, worker }: Member): Promise<boolean> {
  return listening.then(
    () => worker.isConnected(),
    () => false,
  )
}

/** Its answer; `problem` also when it ends or says nothing for `limit` milliseconds. */
export async function askToReload(
  member: Member,
  order: ReloadOrder,
  limit: number,
): Promise<Pick<ReloadAnswer, 'digest' | 'problem'>> {
  const { worker, gone } = member
  const over = new AbortController()
  const answer = new Promise<ReloadAnswer>((resolve) => {
    const hear = (message: ToPrimary) => {
      if (message.tell === 'reloaded' && message.id === order.id) resolve(message)
    }
    worker.on('message', hear)
    over.signal.addEventListener('abort', () => worker.off('message', hear))
  })
  sendTo(member, order)
  try {
    return await Promise.race([
      answer,
      gone.then(() => ({ problem: 'ended' })),
      sleep(limit, { problem: 'no answer' }, { signal: over.signal }),
    ])
  } finally {
    over.abort()
  }
}
