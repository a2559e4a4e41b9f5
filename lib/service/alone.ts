import type { Express } from 'express'
import { announce } from './announce'
import { openEnding } from './ending'
import { openLog, type ProcessLog } from './log'
import { openReloading } from './reload'
import type { Service } from './serve'
import type { ServeSettings } from './serve-settings'
import type { Served } from './served'
import { openServing } from './serving'
import { handleSignals } from './signals'

/** One process that does everything. */
export async function serveAlone(
  app: Express,
  server: Served,
  settings: ServeSettings,
): Promise<Service> {
  const log = openLog({})
  server.logTo(log)
  try {
    return await run(app, server, settings, log)
  } catch (cause) {
    log.close()
    throw cause
  }
}

async function run(
  app: Express,
  server: Served,
  settings: ServeSettings,
  log: ProcessLog,
): Promise<Service> {
  const serving = await openServing(app, server, settings, log)
  const reloading = await openReloading({
    server,
    state: serving.state,
    log,
    apply: serving.reload,
    tell: serving.tell,
  })
  const { close, stop } = openEnding(log, async () => {
    reloading.close()
    await serving.close()
    forgetSignals()
  })
  const forgetSignals = handleSignals(log, {
    reload: () => void reloading.reload('everything'),
    stop,
  })
  const { url, mtlsUrl } = serving
  await announce(server, log)
  log.info('server.listening', { url, mtls_url: mtlsUrl })
  return { url, log, reload: () => reloading.reload('everything'), close }
}
