import { textOf } from '../error/text-of'
import type { Log } from '../plugin/plugin'
import type { Served } from './served'

/**
 * What the operator is told of the chain that serves from now on; once for all workers. That it can't
 * be told is no reason not to serve.
 */
export async function announce(server: Pick<Served, 'announce'>, log: Log): Promise<void> {
  try {
    const { unserved } = await server.announce()
    if (unserved > 0) log.warn('chain.unserved', { clients: unserved })
  } catch (cause) {
    log.warn('chain.unknown', { problem: textOf(cause) })
  }
}
