import type { Express } from 'express'
import { SetupError } from '../error/setup-error'
import { textOf } from '../error/text-of'
import { openEnding } from './ending'
import { openLog } from './log'
import {
  type Ports,
  portsVariable,
  type ReloadOrder,
  type ToPrimary,
  type ToWorker,
} from './messages'
import type { ServeSettings } from './serve-settings'
import type { Served } from './served'
import type { Service, Work } from './service'
import { openServing } from './serving'
import { handleSignals } from './signals'
import { stateDigest } from './state-digest'

/**
 * One of several processes on the same port. It reads what it is told to read when it is told, and
 * ends when the primary does (`node:cluster` sees to that).
 */
export async function serveAsWorker(
  app: Express,
  server: Served,
  settings: ServeSettings,
): Promise<Service> {
  const log = openLog({ shared: true })
  server.logTo(log)
  let serving: Work
  try {
    serving = await openServing(app, server, withPorts(settings), log)
  } catch (cause) {
    // The primary says it, once for all workers.
    const { problem, fix, place } =
      cause instanceof SetupError ? cause : new SetupError(`${textOf(cause)}.`, 'See the log.')
    await new Promise((told) => tellPrimary({ tell: 'failed', problem, fix, place }, told))
    return process.exit(1)
  }

  const { close, stop } = openEnding(log, serving.close)
  handleSignals(log, { reload: () => undefined, stop })
  process.on('message', (message: ToWorker) => {
    if (message.tell === 'reload') void answerReload(message, server, serving)
    else if (message.tell === 'reload-refused') serving.tell(message.refused)
    else if (message.tell === 'drain') stop(0)
  })
  const { url, mtlsUrl } = serving
  tellPrimary({ tell: 'listening', url, mtlsUrl })
  return { url, log, reload: async () => undefined, close }
}

function withPorts(settings: ServeSettings): ServeSettings {
  const { port, mtlsPort }: Ports = JSON.parse(process.env[portsVariable] ?? '{}')
  const mtls = mtlsPort === undefined ? {} : { mtls: { port: mtlsPort } }
  return { ...settings, server: { ...settings.server, port, ...mtls } }
}

async function answerReload(
  { id, scope }: ReloadOrder,
  server: Served,
  serving: Work,
): Promise<void> {
  try {
    await serving.reload(scope)
    tellPrimary({ tell: 'reloaded', id, digest: stateDigest(server, serving.state) })
  } catch (cause) {
    tellPrimary({ tell: 'reloaded', id, problem: textOf(cause) })
  }
}

function tellPrimary(message: ToPrimary, told: (error: unknown) => void = () => undefined): void {
  if (process.connected) process.send?.(message, undefined, undefined, told)
  else told(undefined)
}
