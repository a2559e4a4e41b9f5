import type { StandardSchemaV1 } from '@standard-schema/spec'
import { SetupError } from '../error/setup-error'
import { type HandlerType, nameAliases, typeAliases } from './aliases'
import { sameName } from './origin'
import { checkName, checkOrder, type Plugin } from './plugin'

/**
 * From plugins and `[[event_listener]]` entries to the chain, in order.
 *
 * A plugin that has an `order` of its own is on; one without is off until an entry names it. Entries
 * change that default chain by name, as WSO2's do; they don't replace it. Small orders come first and
 * equal orders are refused, since WSO2's ties are decided by chance. The order decides who speaks
 * first, never what a client must show: that is the client's `token_endpoint_auth_method`.
 */
export interface Link {
  readonly plugin: AnyPlugin
  /** The entry's id, or the plugin's name where no entry names it. */
  readonly id: string
  readonly order: number
  readonly type: HandlerType
  readonly properties: Readonly<Record<string, unknown>>
  /** Where the entry stands in the file. */
  readonly key: readonly (string | number)[]
}

export type AnyPlugin = Plugin<StandardSchemaV1>

/** One `[[event_listener]]` as written. */
export interface ChainEntry {
  id: string
  type: string
  name: string
  /** Undefined: the plugin's own. */
  order?: number | undefined
  enable: boolean
  properties: Record<string, unknown>
}

/**
 * The links that are on, small orders first.
 * Throws `SetupError` with the key's path for an unknown name or type, a name or order given twice.
 */
export function composeChain(
  plugins: readonly AnyPlugin[],
  entries: readonly ChainEntry[],
): Link[] {
  const byName = indexPlugins(plugins)
  const entryOf = new Map<AnyPlugin, number>()
  entries.forEach((entry, index) => {
    const plugin = findPlugin(byName, entry.name, ['event_listener', index, 'name'])
    const earlier = entryOf.get(plugin)
    if (earlier !== undefined) {
      throw new SetupError(
        `"${plugin.name}" is listed twice, as "${entries[earlier]?.id}" and "${entry.id}".`,
        'Keep one of the two.',
        { key: ['event_listener', index, 'name'] },
      )
    }
    entryOf.set(plugin, index)
  })

  const links: Link[] = []
  for (const plugin of plugins) {
    const index = entryOf.get(plugin)
    const entry = index === undefined ? undefined : entries[index]
    if (index !== undefined && entry !== undefined) {
      checkType(entry, index)
      if (entry.enable) links.push(linkOf(plugin, entry, index))
    } else if (plugin.order !== undefined) {
      links.push({
        plugin,
        id: plugin.name,
        order: plugin.order,
        type: 'any',
        properties: {},
        key: [],
      })
    }
  }
  links.sort((a, b) => a.order - b.order)
  refuseTies(links)
  return links
}

function indexPlugins(plugins: readonly AnyPlugin[]): Map<string, AnyPlugin> {
  const byName = new Map<string, AnyPlugin>()
  for (const plugin of plugins) {
    const other = byName.get(plugin.name)
    if (other !== undefined) throw sameName(other, plugin)
    checkName(plugin.name)
    byName.set(plugin.name, plugin)
  }
  return byName
}

/** The plugin that an entry's `name` means, WSO2's names included. */
export function namedPlugin(plugins: readonly AnyPlugin[], name: string): AnyPlugin | undefined {
  return plugins.find((plugin) => plugin.name === ourName(name))
}

function ourName(name: string): string {
  return Object.hasOwn(nameAliases, name) ? String(nameAliases[name]) : name
}

function findPlugin(
  byName: Map<string, AnyPlugin>,
  name: string,
  key: readonly (string | number)[],
): AnyPlugin {
  const plugin = byName.get(ourName(name))
  if (plugin !== undefined) return plugin
  throw new SetupError(
    `No handler is named ${JSON.stringify(name)}.`,
    `Known names: ${[...byName.keys()].join(', ')}; others come with plugins = ["npm-package"].`,
    { key },
  )
}

function checkType({ type }: ChainEntry, index: number): void {
  if (Object.hasOwn(typeAliases, type)) return
  throw new SetupError(
    `No handler type is named ${JSON.stringify(type)}.`,
    `Known types: ${Object.keys(typeAliases).join(', ')}.`,
    { key: ['event_listener', index, 'type'] },
  )
}

function linkOf(plugin: AnyPlugin, entry: ChainEntry, index: number): Link {
  const order = entry.order ?? plugin.order
  if (order === undefined) {
    throw new SetupError(
      `"${entry.id}" has no order, and "${plugin.name}" has no place of its own.`,
      'Write order = NUMBER; small numbers come first.',
      { key: ['event_listener', index] },
    )
  }
  checkOrder(order, entry.id, ['event_listener', index, 'order'])
  return {
    plugin,
    id: entry.id,
    order,
    type: typeAliases[entry.type] ?? 'any',
    properties: entry.properties,
    key: ['event_listener', index],
  }
}

function refuseTies(links: readonly Link[]): void {
  links.forEach((link, index) => {
    const before = links[index - 1]
    if (before?.order !== link.order) return
    const [named, other] = link.key.length > 0 ? [link, before] : [before, link]
    throw new SetupError(
      `order ${link.order} is taken by both "${other.id}" and "${named.id}".`,
      'Give one of them another number; small numbers come first.',
      named.key.length > 0 ? { key: [...named.key, 'order'] } : {},
    )
  })
}
