/**
 * The open connections of a listener: which of them answers something now, which are idle. Node
 * knows too, but calls a connection idle whose answer is still on its way, and a new one busy.
 */
import cluster from 'node:cluster'
import type { ServerResponse } from 'node:http'
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { closeIdle } from './idle-connections'

export interface Connections {
  /** A request arrived on `socket`; once per request, so it must be cheap. */
  answer(socket: Socket, res: ServerResponse): void
  isAnswering(socket: Duplex): boolean
  /** More than so many are refused at once; one without a request for so many milliseconds is closed. */
  limit(connections: number, keepAlive: number): void
  /** Answers what was asked, takes no more, and resolves when every connection is closed. */
  drain(limit: number): Promise<void>
}

/** How long a connection that has asked nothing yet may still do so while the listener closes. */
const silence = 1_000
const pause = 50

export function watchConnections(server: Server): Connections {
  /** Of each open connection, its latest answer. */
  const latest = new Map<Socket, ServerResponse | undefined>()
  const idle = closeIdle(latest)
  let draining = false
  let keepAliveTimeout = 0
  let most = Number.POSITIVE_INFINITY
  if (cluster.isWorker) refuseAbove(server, () => most)
  server.on('secureConnection', (socket) => {
    latest.set(socket, undefined)
    socket.once('close', () => latest.delete(socket))
  })
  // Node's own would make a timer for each answer.
  server.keepAliveTimeout = 0
  server.on('close', () => idle.close())
  // Node would answer by itself and keep the connection, of which nobody here would know.
  server.on('checkExpectation', (_req, res) => {
    res.writeHead(417, { connection: 'close' })
    res.end()
  })

  function isAnswering(socket: Duplex): boolean {
    const res = latest.get(socket as Socket)
    return res !== undefined && !res.writableFinished
  }

  return {
    answer(socket, res) {
      if (draining) res.shouldKeepAlive = false
      latest.set(socket, res)
      tellKeepAlive(res, keepAliveTimeout)
    },
    isAnswering,
    limit(connections, keepAlive) {
      if (cluster.isWorker) most = connections
      else server.maxConnections = connections
      keepAliveTimeout = keepAlive
      idle.limit(keepAlive)
    },
    async drain(limit) {
      draining = true
      let closed = false
      server.close(() => {
        closed = true
      })
      // `Connection: close` tells the peer before we hang up.
      for (const res of latest.values()) if (res) res.shouldKeepAlive = false
      for (let waited = 0; !closed && waited < limit; waited += pause) {
        for (const [socket, res] of latest) {
          const asked = res !== undefined
          if (asked ? !isAnswering(socket) : waited >= silence) socket.destroy()
        }
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
      for (const socket of latest.keys()) socket.destroy()
    },
  }
}

/** `Keep-Alive: timeout=5`, which Node derives from a timeout of its own, and clients go by. */
function tellKeepAlive(res: ServerResponse, milliseconds: number): void {
  const told = res as ServerResponse & { _keepAliveTimeout?: number }
  told._keepAliveTimeout = milliseconds
}

/**
 * Before Node 22 a worker at its `maxConnections` hands a connection back, and the primary offers it
 * round and round to workers that are all full; so in a worker it is closed here.
 */
function refuseAbove(server: Server, most: () => number): void {
  let open = 0
  server.on('connection', (socket) => {
    open += 1
    socket.once('close', () => {
      open -= 1
    })
    if (open > most()) socket.destroy()
  })
}
