import { latestEnd, type ThrottleStore } from '../client/throttle-store'
import { type MemoryTables, removeWhere } from './memory-tables'

export function memoryFailures(tables: MemoryTables): ThrottleStore {
  const { failures } = tables
  return {
    lastBlock: () => tables.blocks,
    async countFailure(failure) {
      const { key, now, window, limit } = failure
      const known = failures.get(key)
      const running = known && known.ends > now && known.ends <= latestEnd(failure)
      const counted = running ? known : { key, failures: 0, ends: now + window, blocked: undefined }
      counted.failures++
      if (counted.failures >= limit) counted.blocked ??= ++tables.blocks
      failures.set(key, counted)
      return { failures: counted.failures, ends: counted.ends }
    },
    async blockedAfter(number, limit) {
      return [...failures.values()]
        .flatMap(({ key, ends, blocked = 0 }) => (blocked > number ? { key, ends, blocked } : []))
        .sort((a, b) => a.blocked - b.blocked)
        .slice(0, limit)
    },
    forgetFailures: async (before, limit) =>
      removeWhere(failures, ({ ends }) => ends < before, limit),
  }
}
