import type { Log } from '../plugin/plugin'
import type { Explanation, Finding } from './explain'

/**
 * The chain in the log, as `config check` explains it: what runs in which order, and a warning for
 * each thing about it that is insecure. Gives how many clients no handler serves.
 */
export function announceChain(log: Log, explanation: Explanation): { unserved: number } {
  const { chain, clients, warnings, unserved } = explanation
  log.info('chain.ready', {
    chain: chain.map(({ order, id, name }) =>
      id === name ? `${order} ${id}` : `${order} ${id} (${name})`,
    ),
    clients: clients?.count,
  })
  for (const warning of warnings) log.warn('chain.warning', factsOf(warning))
  return { unserved: unserved?.count ?? 0 }
}

function factsOf({ about, problem, clients }: Finding) {
  return { about, problem, clients: clients?.count, first: clients?.first }
}
