import type { Log } from '../plugin/plugin'
import { announce } from './announce'
import { openEnding } from './ending'
import type { ProcessLog } from './log'
import type { ProcessState } from './process-state'
import { openReloading } from './reload'
import type { ServeSettings } from './serve-settings'
import type { Served } from './served'
import { handleSignals } from './signals'

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

/** What answers requests: this process, or the workers that it supervises. */
export interface Work extends Pick<ProcessState, 'reload'> {
  readonly state: ProcessState
  readonly url: string
  readonly mtlsUrl: string | undefined
  /** Whether the last reload was refused, for `/health`. */
  tell(reloadRefused: boolean): void
  /** Answers what was asked, takes no more, and closes the server. */
  close(): Promise<void>
}

/** Puts signals, reloads and the end of the process around what answers requests. */
export async function openService(server: Served, work: Work, log: ProcessLog): Promise<Service> {
  const { url, mtlsUrl } = work
  const reloading = await openReloading(server, work, log)
  const reload = () => reloading.reload('everything')
  const { close, stop } = openEnding(log, async () => {
    reloading.close()
    await work.close()
    forgetSignals()
  })
  const forgetSignals = handleSignals(log, { reload: () => void reload(), stop })
  tellIgnored(work.state.settings, log)
  await announce(server, log)
  log.info('server.listening', { url, mtls_url: mtlsUrl })
  return { url, log, reload, close }
}

/** Tables that `deployment.toml` may have, of things that there are none of yet. */
const notYet = ['console', 'metrics'] as const

function tellIgnored(settings: ServeSettings, log: Log): void {
  for (const key of notYet) {
    if (settings[key] === undefined) continue
    log.warn('setting.ignored', { key, problem: `There is no ${key} yet: nothing listens there.` })
  }
}
