/**
 * WSO2's handlers, entry by entry: which of them are ours, and what our file has for each. All keys
 * but `order`, which hangs on the other entries (`orders.ts`).
 */
import type { KnownHandler, KnownHandlers } from './known-handlers'
import { changed, type ImportedKey, leftOut, type Outcome, told, used } from './outcome'
import { importProperty } from './properties'

/** An entry of WSO2's that is ours. */
export interface Listener {
  handler: KnownHandler
  /** Where it stands in WSO2's file: `event_listener[0]`. */
  key: string
  /** As WSO2 has it. */
  given: Readonly<Record<string, unknown>>
  /** As our file has it. */
  entry: WrittenEntry
}

export interface WrittenEntry {
  id?: string
  type?: string
  name: string
  order?: number
  enable?: boolean
  properties?: Record<string, unknown>
}

export async function importListeners(
  entries: readonly unknown[],
  known: KnownHandlers,
): Promise<{ listeners: Listener[]; report: ImportedKey[] }> {
  const listeners: Listener[] = []
  const report: ImportedKey[] = []
  for (const [index, written] of entries.entries()) {
    const key = `event_listener[${index}]`
    const given = isTable(written) ? written : {}
    const handler = handlerNamed(given.name, known)
    if (handler === undefined) {
      report.push(told(key, leftOut(`There is nothing like ${String(given.name)} here.`)))
    } else if (listeners.some((listener) => listener.handler === handler)) {
      report.push(told(key, leftOut(`${handler.name} stands above, and is listed once.`)))
    } else {
      const ids = listeners.map(({ entry }) => entry.id ?? entry.name)
      const listener: Listener = { handler, key, given, entry: { name: String(given.name) } }
      report.push(...importKeys(listener, ids, known), ...(await importProperties(listener)))
      listeners.push(listener)
    }
  }
  return { listeners, report }
}

function handlerNamed(name: unknown, { names, handlers }: KnownHandlers): KnownHandler | undefined {
  if (typeof name !== 'string') return undefined
  const ours = Object.hasOwn(names, name) ? names[name] : name
  return handlers.find((handler) => handler.name === ours)
}

function importKeys(
  { key, given, handler, entry }: Listener,
  ids: readonly string[],
  known: KnownHandlers,
): ImportedKey[] {
  return Object.entries(given)
    .filter(([name]) => name !== 'order' && name !== 'properties')
    .map(([name, value]) => {
      const outcome = importKey(name, value, handler, ids, known)
      Object.assign(entry, outcome.write)
      return told(`${key}.${name}`, outcome)
    })
}

function importKey(
  name: string,
  value: unknown,
  handler: KnownHandler,
  ids: readonly string[],
  { types }: KnownHandlers,
): Outcome {
  switch (name) {
    case 'name':
      return used(`It is ${handler.name} here.`, { name: value })
    case 'id':
      return typeof value === 'string' && value !== '' && !ids.includes(value)
        ? used('The same key here.', { id: value })
        : leftOut('An id stands once; the name serves.')
    case 'type':
      return typeof value === 'string' && Object.hasOwn(types, value)
        ? used('The same key here.', { type: value })
        : leftOut('The name says what it is.')
    case 'enable':
      return importEnable(value)
    default:
      return leftOut('No entry has such a key here.')
  }
}

/** WSO2 reads every text but "true" as false. */
function importEnable(value: unknown): Outcome {
  const text = String(value).toLowerCase()
  const enable = text === 'true'
  return enable || text === 'false'
    ? used('The same key here.', { enable })
    : changed(`WSO2 reads ${JSON.stringify(value)} as false.`, { enable })
}

async function importProperties({ key, given, handler, entry }: Listener): Promise<ImportedKey[]> {
  const report: ImportedKey[] = []
  for (const [name, value] of Object.entries(isTable(given.properties) ? given.properties : {})) {
    const outcome = await importProperty(name, value, handler)
    if (outcome.outcome !== 'left out') entry.properties = { ...entry.properties, ...outcome.write }
    report.push(told(`${key}.properties.${name}`, outcome))
  }
  return report
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
