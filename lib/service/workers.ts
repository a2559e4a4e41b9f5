/**
 * The primary process: it serves nothing, and sees to it that `workers` processes do. It reads every
 * change itself first, so that what is wrong is refused once, before any worker hears of it; then
 * each worker must say that it runs on the same state, and one that doesn't is replaced.
 */
import { createServer } from 'node:net'
import { announce } from './announce'
import { hireCrew } from './crew'
import { openEnding } from './ending'
import { openLog, type ProcessLog } from './log'
import type { Ports } from './messages'
import { openState } from './process-state'
import { openReloading } from './reload'
import type { Service } from './serve'
import type { ServeSettings } from './serve-settings'
import type { Served } from './served'
import { handleSignals } from './signals'
import { stateDigest } from './state-digest'

export async function serveByWorkers(server: Served, settings: ServeSettings): Promise<Service> {
  const log = openLog({ shared: true })
  server.logTo(log)
  try {
    return await run(server, settings, log)
  } catch (cause) {
    log.close()
    throw cause
  }
}

async function run(server: Served, settings: ServeSettings, log: ProcessLog): Promise<Service> {
  const state = await openState(server, settings)
  const crew = await hireCrew(settings.server.workers, await choosePorts(settings), log)
  const { url, mtlsUrl } = crew
  server.listensAt(url, mtlsUrl)
  let reloads = 0
  const reloading = await openReloading({
    server,
    state,
    log,
    async apply(scope) {
      const reloaded = await state.reload(scope)
      reloads += 1
      await crew.reload({ tell: 'reload', id: reloads, scope }, stateDigest(server, state))
      return reloaded
    },
    tell: crew.tellRefused,
  })
  const { close, stop } = openEnding(log, async () => {
    reloading.close()
    await crew.dismiss()
    await server.close()
    forgetSignals()
  })
  const forgetSignals = handleSignals(log, {
    reload: () => void reloading.reload('everything'),
    stop,
  })
  await announce(server, log)
  log.info('server.listening', { url, mtls_url: mtlsUrl })
  return { url, log, reload: () => reloading.reload('everything'), close }
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
