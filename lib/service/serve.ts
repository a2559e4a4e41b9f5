import type { Express } from 'express'
import type { Log } from '../plugin/plugin'
import { serveAlone } from './alone'
import { portsVariable } from './messages'
import type { ServeSettings } from './serve-settings'
import type { Served } from './served'
import { serveAsWorker } from './worker'
import { serveByWorkers } from './workers'

/** A service that runs. In a worker the primary process decides about it. */
export interface Service {
  /** Where it is reached: `https://HOSTNAME:PORT`. */
  readonly url: string
  /** The lines on standard output; `flush` resolves when they are written. */
  readonly log: Log & { flush(): Promise<void> }
  /** What SIGHUP does. Resolves when the answer stands in the log, and never rejects. */
  reload(): Promise<void>
  /** What SIGTERM does, but for ending the process. */
  close(): Promise<void>
}

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
  if (process.env[portsVariable] !== undefined) return serveAsWorker(app, server, deployment)
  if (deployment.server.workers > 1) return serveByWorkers(server, deployment)
  return serveAlone(app, server, deployment)
}
