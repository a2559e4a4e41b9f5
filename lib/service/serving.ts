import type { Express } from 'express'
import type { Log } from '../plugin/plugin'
import { type Condition, healthReasons } from './condition'
import { openListeners } from './listeners'
import { openState, type ProcessState } from './process-state'
import type { ServeSettings } from './serve-settings'
import type { Served } from './served'

/** A process that answers requests, alone or as one of several. */
export interface Serving extends Pick<ProcessState, 'reload'> {
  readonly state: ProcessState
  readonly url: string
  readonly mtlsUrl: string | undefined
  /** Whether the last reload was refused, for `/health`. */
  tell(reloadRefused: boolean): void
  /** Answers what was asked, takes no more, and closes the server. */
  close(): Promise<void>
}

/** Time for the answers under way; what is left of five seconds is for closing the rest. */
const drainLimit = 3_500

/** Throws `SetupError` and leaves nothing open. */
export async function openServing(
  app: Express,
  server: Served,
  settings: ServeSettings,
  log: Log,
): Promise<Serving> {
  const state = await openState(server, settings)
  const { certificate } = state
  const listeners = await openListeners(app, { settings, certificate, trust: server.trust, log })
  server.listensAt(listeners.url, listeners.mtlsUrl)
  const condition: Condition = {
    draining: false,
    reloadRefused: false,
    certificateEnds: certificate.notAfter,
  }
  server.reportHealth(() => healthReasons(condition, Date.now()))
  await server.started()

  return {
    state,
    url: listeners.url,
    mtlsUrl: listeners.mtlsUrl,
    async reload(scope) {
      const reloaded = await state.reload(scope)
      listeners.renew(state.certificate)
      listeners.limit(state.settings.server.limits)
      condition.certificateEnds = state.certificate.notAfter
      return reloaded
    },
    tell(reloadRefused) {
      condition.reloadRefused = reloadRefused
    },
    async close() {
      condition.draining = true
      await listeners.drain(drainLimit)
      await server.close()
    },
  }
}
