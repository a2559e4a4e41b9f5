/**
 * Reloads as the operator sees them: asked for by SIGHUP or by a file that was written, answered by
 * one event, with the old state kept when anything is wrong.
 */
import { messageOf } from '../error/text-of'
import type { Log } from '../plugin/plugin'
import { announce } from './announce'
import type { Scope } from './process-state'
import type { ServeSettings } from './serve-settings'
import type { Served } from './served'
import type { Work } from './service'
import { watchFiles } from './watch'

export interface Reloading {
  reload(scope: Scope): Promise<void>
  close(): void
}

export async function openReloading(server: Served, work: Work, log: Log): Promise<Reloading> {
  let last: Promise<void> = Promise.resolve()
  const watch = await watchFiles(
    () => inputFiles(server.trust, work.state.settings),
    () => void reload('files'),
  )

  async function reloadNow(scope: Scope): Promise<void> {
    await watch.settle()
    try {
      const { needRestart } = await work.reload(scope)
      work.tell(false)
      if (scope === 'everything') await announce(server, log)
      log.info('reload.done', {
        need_restart: needRestart.length === 0 ? undefined : needRestart,
      })
    } catch (cause) {
      work.tell(true)
      log.error('reload.refused', { problem: messageOf(cause) })
    }
  }

  function reload(scope: Scope): Promise<void> {
    last = last.then(() => reloadNow(scope))
    return last
  }
  return { reload, close: watch.close }
}

function inputFiles(trust: Served['trust'], { keystore: { tls } }: ServeSettings): string[] {
  const files = [tls.file_name, tls.key_file_name, tls.password_file]
  return [...trust.files, ...files.filter((file) => file !== undefined)]
}
