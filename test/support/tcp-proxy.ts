import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server that can fall silent without closing, as a network does. */
export interface TcpProxy {
  port: number
  /** From now on nothing passes; connections stay open and new ones are accepted. */
  silence(): void
  /** What was held back passes, and everything after it. */
  resume(): void
  /** From now on everything takes so long, each way. */
  delay(milliseconds: number): void
  close(): Promise<void>
}

export async function tcpProxy(port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let silent = false
  let late = 0
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => {
        if (late === 0) to.write(bytes)
        else setTimeout(() => to.write(bytes), late)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      if (silent) from.pause()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    silence() {
      silent = true
      for (const socket of sockets) socket.pause()
    },
    resume() {
      silent = false
      for (const socket of sockets) socket.resume()
    },
    delay(milliseconds) {
      late = milliseconds
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
