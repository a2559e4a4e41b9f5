/**
 * The primary process: it serves nothing, and sees to it that `workers` processes do. It reads every
 * change itself first, so that what is wrong is refused once, before any worker hears of it; then
 * each worker must say that it runs on the same state, and one that doesn't is replaced.
 */
import { createServer } from 'node:net'
import type { Log } from '../plugin/plugin'
import { hireCrew } from './crew'
import type { Ports } from './messages'
import { openState } from './process-state'
import type { ServeSettings } from './serve-settings'
import type { Served } from './served'
import type { Work } from './service'
import { stateDigest } from './state-digest'

/** Throws `SetupError` when a worker can't start, and leaves none behind. */
export async function openWorkers(
  server: Served,
  settings: ServeSettings,
  log: Log,
): Promise<Work> {
  const state = await openState(server, settings)
  const crew = await hireCrew(settings.server.workers, await choosePorts(settings), log)
  const { url, mtlsUrl } = crew
  server.listensAt(url, mtlsUrl)
  let reloads = 0
  return {
    state,
    url,
    mtlsUrl,
    async reload(scope) {
      const reloaded = await state.reload(scope)
      reloads += 1
      await crew.reload({ tell: 'reload', id: reloads, scope }, stateDigest(server, state))
      return reloaded
    },
    tell: crew.tellRefused,
    async close() {
      await crew.dismiss()
      await server.close()
    },
  }
}

/** A port of 0 is chosen here, so that a worker that starts later binds the same one. */
async function choosePorts({ server: { node_ip, port, mtls } }: ServeSettings): Promise<Ports> {
  return {
    port: port || (await freePort(node_ip)),
    mtlsPort: mtls && (mtls.port || (await freePort(node_ip))),
  }
}

function freePort(node_ip: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, node_ip, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })
}
