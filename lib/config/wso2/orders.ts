/**
 * Orders, once all entries are known. One is taken only by what is on, and by one handler alone:
 * WSO2 leaves ties to chance, here they are refused.
 */
import type { KnownHandler } from './known-handlers'
import type { Listener } from './listeners'
import { changed, type ImportedKey, told, used } from './outcome'

const maxOrder = 100_000

/** Where a handler goes that has no place of its own and was given none. */
const usualOrder = 210

/** Writes `order` into the entries; what is told of each. */
export function settleOrders(
  listeners: readonly Listener[],
  handlers: readonly KnownHandler[],
): ImportedKey[] {
  const listed = new Set(listeners.map(({ handler }) => handler))
  const taken = new Map<number, string>()
  for (const handler of handlers) {
    if (handler.order !== undefined && !listed.has(handler)) taken.set(handler.order, handler.name)
  }
  return listeners.flatMap((listener) => settle(listener, taken))
}

function settle(listener: Listener, taken: Map<number, string>): ImportedKey[] {
  const { key, given, handler, entry } = listener
  const wanted = orderOf(given.order)
  const start = wanted ?? handler.order ?? usualOrder
  const on = entry.enable !== false
  let order = start
  while (on && taken.has(order)) order++
  if (wanted !== undefined || order !== handler.order) entry.order = order

  const rival = on ? taken.get(start) : undefined
  if (on) taken.set(order, handler.name)
  if (rival !== undefined) {
    return [told(`${key}.order`, changed(`${start} is taken by ${rival}: it is ${order}.`))]
  }
  if (given.order === undefined) return []
  if (wanted === undefined) {
    return [told(`${key}.order`, changed(`It is no place in a chain: it is ${order}.`))]
  }
  const ignored = handler.name === 'mtls-secret' ? ' WSO2 never looks at it for this handler.' : ''
  return [told(`${key}.order`, used(`The same key here.${ignored}`))]
}

function orderOf(value: unknown): number | undefined {
  const order = typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : value
  return typeof order === 'number' && Number.isInteger(order) && order >= 0 && order <= maxOrder
    ? order
    : undefined
}
