/**
 * Lines that say nothing, and lines that contradict what clients need. Nothing of this stops a start:
 * a chain may be prepared before its clients come, or stay a while after they went.
 */
import { isDeepStrictEqual } from 'node:util'
import type { ClientGroup } from '../client/client-store'
import type { Settings } from '../config/schema'
import { type AnyPlugin, namedPlugin } from '../plugin/chain'
import { isFromPackage, originOf } from '../plugin/origin'
import { readProperties } from '../plugin/properties'
import type { RunningLink } from '../plugin/registry'
import { count, listing, needing, sentence, unservedGroups, verb } from './client-groups'
import type { Explained, Finding } from './explain'

export async function notesOf(explained: Explained): Promise<Finding[]> {
  return [
    ...(await entriesThatSayNothing(explained)),
    ...pluginsNeverListed(explained),
    ...unserved(explained),
    ...alwaysRefused(explained),
    ...grantsNotOffered(explained),
    ...withoutUsers(explained),
  ]
}

async function entriesThatSayNothing(explained: Explained): Promise<Finding[]> {
  const notes: Finding[] = []
  for (const [index, entry] of explained.settings.event_listener.entries()) {
    const plugin = namedPlugin(explained.plugins, entry.name)
    if (plugin === undefined) continue
    const problem = await whatItSays(entry, plugin, explained)
    if (problem !== undefined) {
      notes.push({ about: entry.id, problem, key: ['event_listener', index] })
    }
  }
  return notes
}

async function whatItSays(
  entry: Settings['event_listener'][number],
  plugin: AnyPlugin,
  { registry }: Explained,
): Promise<string | undefined> {
  if (!entry.enable) {
    if (plugin.order === undefined) return `enable = false, and ${plugin.name} is off anyway.`
    if (Object.keys(entry.properties).length > 0) {
      return `enable = false: the properties of ${plugin.name} are not looked at.`
    }
    return undefined
  }
  const link = registry.links.find((running) => running.plugin === plugin)
  if (link === undefined || plugin.order !== link.order) return undefined
  if (!(await saysDefaults(link))) return undefined
  return `The entry changes nothing but its id: ${plugin.name} is on at ${link.order} with these properties anyway.`
}

async function saysDefaults(link: RunningLink): Promise<boolean> {
  try {
    const withNone = await readProperties({ ...link, properties: {} })
    return isDeepStrictEqual(await readProperties(link), withNone)
  } catch {
    // Without properties it would not even start.
    return false
  }
}

/** A package was named for something: nothing of it runs until an entry names that. */
function* pluginsNeverListed({ plugins, registry, settings }: Explained): Generator<Finding> {
  const listed = settings.event_listener.map(({ name }) => namedPlugin(plugins, name))
  for (const plugin of plugins) {
    if (!isFromPackage(plugin) || listed.includes(plugin)) continue
    if (registry.links.some((link) => link.plugin === plugin)) continue
    yield {
      about: plugin.name,
      problem: `${plugin.name} comes with ${originOf(plugin)} and is off: no [[event_listener]] names it.`,
    }
  }
}

function* unserved({ registry, plugins, groups = [] }: Explained): Generator<Finding> {
  for (const [method, same] of byMethod(unservedGroups(registry, groups))) {
    const plugin = namedPlugin(plugins, method)
    const consequence =
      plugin === undefined
        ? 'no plugin has that name, so they are refused.'
        : `that handler is off, so they are refused. List it: ${entryFor(plugin)}.`
    const clients = count(same)
    yield {
      about: method,
      problem: sentence(clients, verb('has', 'have', `the method ${method}`), consequence),
      clients,
    }
  }
}

function entryFor({ name, order }: AnyPlugin): string {
  const place = order === undefined ? ' with an order' : ''
  return `[[event_listener]] name = "${name}"${place}`
}

/** Registered in a way that the handler's own settings never let pass. */
function* alwaysRefused({ registry, groups = [] }: Explained): Generator<Finding> {
  for (const { name } of registry.clientAuths) {
    const clients = count(needing(registry, name, [], groups))
    if (clients.count === 0) continue
    yield {
      about: name,
      problem: sentence(
        clients,
        verb('is', 'are', 'registered without certificate'),
        `${name} lets nobody pass that way as it is set. Give them one (client add-cert), or change its properties.`,
      ),
      clients,
    }
  }
}

function* grantsNotOffered({ registry, groups = [] }: Explained): Generator<Finding> {
  const wanted = new Set(groups.flatMap(({ grant_types }) => grant_types))
  for (const grant_type of wanted) {
    if (registry.grant(grant_type) !== undefined) continue
    const clients = count(listing(groups, grant_type))
    yield {
      about: grant_type,
      problem: sentence(
        clients,
        verb('lists', 'list', `the grant ${grant_type}`),
        'it is off, so asking for it is unsupported_grant_type.',
      ),
      clients,
    }
  }
}

/** Of what the file turned on; what is on by default needs no reason. */
function* withoutUsers({ registry, groups }: Explained): Generator<Finding> {
  if (groups === undefined) return
  for (const { id, key, plugin, contribution } of registry.links) {
    if (plugin.order !== undefined || key.length === 0) continue
    const { clientAuth, grant } = contribution
    const usesIt = (group: ClientGroup) =>
      (clientAuth !== undefined && group.token_endpoint_auth_method === plugin.name) ||
      (grant !== undefined && group.grant_types.includes(grant.grant_type))
    if ((clientAuth ?? grant) === undefined || groups.some(usesIt)) continue
    yield { about: id, problem: `${plugin.name} is on, and no client uses it.`, key }
  }
}

function byMethod(groups: readonly ClientGroup[]): Map<string, ClientGroup[]> {
  const found = new Map<string, ClientGroup[]>()
  for (const group of groups) {
    const { token_endpoint_auth_method: method } = group
    found.set(method, [...(found.get(method) ?? []), group])
  }
  return found
}
