import type { Express } from 'express'
import type { Log } from '../plugin/plugin'
import { type Condition, healthReasons } from './condition'
import { watchHealth } from './health-news'
import { openListeners } from './listeners'
import { openState } from './process-state'
import type { ServeSettings } from './serve-settings'
import type { Served } from './served'
import type { Work } from './service'
import { watchStandstill } from './standstill'

/** Time for the answers under way; what is left of five seconds is for closing the rest. */
const drainLimit = 3_500

/** A process that answers requests, alone or as one of several. Throws `SetupError` and leaves nothing open. */
export async function openServing(
  app: Express,
  server: Served,
  settings: ServeSettings,
  log: Log,
): Promise<Work> {
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
  try {
    await server.started()
  } catch (cause) {
    await listeners.drain(0)
    throw cause
  }
  const forgetStandstill = watchStandstill(log)
  const news = watchHealth(server, log)
  await news.look()

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
      void news.look()
    },
    async close() {
      condition.draining = true
      news.close()
      await listeners.drain(drainLimit)
      forgetStandstill()
      await server.close()
    },
  }
}
