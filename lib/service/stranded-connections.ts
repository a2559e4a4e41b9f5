import type { ChildProcess } from 'node:child_process'

/**
 * `node:cluster` hands each connection to a worker and waits for its word. When the worker is killed
 * in between, nobody owns the connection any more, and its peer would wait for ever (seen on Node 20,
 * 22 and 24). So we note what is handed over, and hang up when the worker ends.
 *
 * This looks at messages that Node has not documented. Were they to change, nothing would be noted
 * and all would be as without it; a test kills workers under load and misses an answer then.
 */
export function hangUpOnStranded(worker: ChildProcess): void {
  const underway = new Map<unknown, { close(): void }>()
  const send = worker.send as (...args: unknown[]) => boolean
  Object.assign(worker, {
    send(message: { act?: string; seq?: number }, handle?: { close(): void }, ...rest: unknown[]) {
      if (message.act === 'newconn' && handle) underway.set(message.seq, handle)
      return send.call(worker, message, handle, ...rest)
    },
  })
  worker.on('internalMessage', ({ ack }: { ack?: number }) => underway.delete(ack))
  worker.once('exit', () => {
    for (const handle of underway.values()) handle.close()
  })
}
