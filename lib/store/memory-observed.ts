import type { ObservedStore } from '../client/observed'
import type { MemoryTables } from './memory-tables'
import { refuseUnstorable } from './text'

export function memoryObserved({ clients, observed }: MemoryTables): ObservedStore {
  return {
    async recordObserved(added) {
      for (const one of added) {
        refuseUnstorable(Object.values(one))
        if (!clients.has(one.client_id)) continue
        const key = JSON.stringify([one.client_id, one.reason])
        const known = observed.get(key) ?? { ...one, times: 0 }
        observed.set(key, {
          ...known,
          since: Math.min(known.since, one.since),
          last: Math.max(known.last, one.last),
          times: known.times + one.times,
        })
      }
    },
    listObserved: async (after) =>
      [...observed.values()]
        .filter(({ last }) => last >= after)
        .sort((a, b) => b.last - a.last || (orderOf(a) < orderOf(b) ? -1 : 1)),
  }
}

function orderOf({ client_id, reason }: { client_id: string; reason: string }): string {
  return `${client_id}\0${reason}`
}
