/**
 * Closes connections on which nothing comes any more. Node makes a timer of its own after each answer and
 * takes it back with the next request, which is 3 µs of each; here one timer looks at all connections.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface IdleConnections {
  /** From now on connections end after so many milliseconds without a request. */
  limit(milliseconds: number): void
  close(): void
}

/** Beyond what the peer is told, so that a request that it sends at the last moment still arrives. */
const grace = 1_000

/**
 * What a connection had read at an earlier look; `since` is the first look of which that is true. It holds
 * no answer: one that is kept until the next look takes its request and all that hangs on it along.
 */
interface Idle {
  bytes: number
  since: number
}

/** `latest`: of each open connection its latest answer, if it has one. */
export function closeIdle(
  latest: ReadonlyMap<Socket, ServerResponse | undefined>,
): IdleConnections {
  const idle = new WeakMap<Socket, Idle>()
  let timer: NodeJS.Timeout | undefined

  function look(limit: number): void {
    const now = performance.now()
    for (const [socket, res] of latest) {
      // Before its first request, and while one is under way, other limits hold.
      if (!res?.writableFinished) continue
      const known = idle.get(socket)
      const bytes = socket.bytesRead
      if (known?.bytes !== bytes) idle.set(socket, { bytes, since: now })
      else if (now - known.since >= limit) socket.destroy()
    }
  }

  return {
    limit(milliseconds) {
      clearInterval(timer)
      const pause = Math.min(1_000, milliseconds / 4)
      timer = setInterval(look, pause, milliseconds + grace).unref()
    },
    close: () => clearInterval(timer),
  }
}
