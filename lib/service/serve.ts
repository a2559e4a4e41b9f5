import type { Express } from 'express'
import { openLog } from './log'
import { portsVariable } from './messages'
import type { ServeSettings } from './serve-settings'
import type { Served } from './served'
import { openService, type Service } from './service'
import { openServing } from './serving'
import { tuneV8 } from './tune-v8'
import { serveAsWorker } from './worker'
import { openWorkers } from './workers'

/**
 * Runs `app` as a process: listeners, limits, log lines on standard output, signals, reload, workers.
 * Resolves when requests are answered, after `event: "server.listening"`. With `workers` above 1 this
 * process supervises, and each worker runs the same program again up to this call.
 * Throws `SetupError` when a certificate can't be read or a port is taken; then nothing is left open.
 *
 * @example
 * const deployment = await loadDeployment('deployment.toml')
 * const store = await openStore(deployment.database.url)
 * const server = await createAuthorizationServer({ ...deployment, store })
 * await serve(express().use(server.router), server, deployment)
 */
export async function serve(
  app: Express,
  server: Served,
  deployment: ServeSettings,
): Promise<Service> {
  tuneV8()
  if (process.env[portsVariable] !== undefined) return serveAsWorker(app, server, deployment)
  const alone = deployment.server.workers === 1
  const log = openLog({ shared: !alone })
  server.logTo(log)
  try {
    const work = alone
      ? await openServing(app, server, deployment, log)
      : await openWorkers(server, deployment, log)
    return await openService(server, work, log)
  } catch (cause) {
    log.close()
    throw cause
  }
}
