/**
 * The chain as an operator needs to see it: what runs in which order, which clients each handler
 * decides about and what they must show, what is insecure and why, and which lines say nothing or
 * contradict what the clients need. Words, counts and a few names, however many clients there are.
 */
import type { ClientGroup } from '../client/client-store'
import { insecurities } from '../config/insecurities'
import type { Settings } from '../config/schema'
import type { AnyPlugin } from '../plugin/chain'
import type { Registry, RunningLink } from '../plugin/registry'
import {
  type Count,
  count,
  listing,
  needing,
  sentence,
  shown,
  unservedGroups,
  verb,
} from './client-groups'
import { notesOf } from './explain-notes'

export interface Explanation {
  readonly chain: readonly ExplainedHandler[]
  /** Names of handlers that there are, and that are off. */
  readonly off: readonly string[]
  /** Undefined where nobody could be counted. */
  readonly clients: Count | undefined
  /** Clients whose method no handler serves: they are refused. */
  readonly unserved: Count | undefined
  /** What is insecure, and why. */
  readonly warnings: readonly Finding[]
  /** What says nothing, or contradicts what clients need. */
  readonly notes: readonly Finding[]
}

export interface ExplainedHandler {
  readonly order: number
  readonly id: string
  readonly name: string
  /** `client-auth`, `grant`, `listener`. */
  readonly gives: readonly string[]
  readonly grant_type?: string
  /** Events heard. */
  readonly events?: readonly string[]
  /** What its clients must show; more than one where it asks different things of them. */
  readonly needs?: readonly {
    readonly show: readonly string[]
    readonly clients: Count | undefined
  }[]
  /** Clients that list the grant. */
  readonly clients?: Count
}

export interface Finding {
  /** A handler's id, a key of the file, a method or a grant type. */
  readonly about: string
  readonly problem: string
  /** Where it stands in the file. */
  readonly key?: readonly (string | number)[]
  readonly clients?: Count
}

type ChainSettings = Pick<
  Settings,
  'event_listener' | 'truststore' | 'proxy' | 'super_admin' | 'oauth'
>

export interface Explained {
  registry: Registry
  /** All there are, on or off. */
  plugins: readonly AnyPlugin[]
  settings: ChainSettings
  /** Undefined: they could not be counted. */
  groups: readonly ClientGroup[] | undefined
}

export async function explainChain(explained: Explained): Promise<Explanation> {
  const { registry, settings } = explained
  const groups = explained.groups?.filter(({ disabled }) => !disabled)
  return {
    chain: registry.links.map((link) => explainHandler(link, registry, groups)),
    off: explained.plugins.map(({ name }) => name).filter((name) => !isOn(registry, name)),
    clients: groups && count(groups),
    unserved: groups && count(unservedGroups(registry, groups)),
    warnings: [
      ...insecurities(settings).map(({ key, problem }) => ({ about: key.join('.'), key, problem })),
      ...registry.links.flatMap(ownWarnings),
      ...nobodyListens(registry),
      ...secretAlone(registry, groups ?? []),
      ...passwordGrant(registry, groups ?? []),
    ],
    notes: await notesOf({ ...explained, groups }),
  }
}

function isOn({ links }: Registry, name: string): boolean {
  return links.some(({ plugin }) => plugin.name === name)
}

function explainHandler(
  { order, id, plugin, contribution }: RunningLink,
  registry: Registry,
  groups: readonly ClientGroup[] | undefined,
): ExplainedHandler {
  const { clientAuth, grant, listener } = contribution
  const given = { 'client-auth': clientAuth, grant, listener }
  return {
    order,
    id,
    name: plugin.name,
    gives: Object.entries(given).flatMap(([kind, part]) => (part === undefined ? [] : [kind])),
    ...(clientAuth && { needs: needsOf(registry, plugin.name, groups) }),
    ...(grant && { grant_type: grant.grant_type }),
    ...(grant && groups && { clients: count(listing(groups, grant.grant_type)) }),
    ...(listener && { events: Object.keys(listener) }),
  }
}

/** By what must be shown, since one handler may ask more of one client than of another. */
function needsOf(
  registry: Registry,
  method: string,
  groups: readonly ClientGroup[] | undefined,
): NonNullable<ExplainedHandler['needs']> {
  if (groups === undefined) return [{ show: shown(registry, method, false), clients: undefined }]
  const users = groups.filter((group) => group.token_endpoint_auth_method === method)
  return [false, true].flatMap((withoutCertificate) => {
    const same = users.filter((group) => group.without_certificate === withoutCertificate)
    const show = shown(registry, method, withoutCertificate)
    return same.length === 0 && (withoutCertificate || users.length > 0)
      ? []
      : [{ show, clients: count(same) }]
  })
}

function ownWarnings({ id, key, contribution }: RunningLink): Finding[] {
  return (contribution.warnings ?? []).map((problem) => ({
    about: id,
    problem,
    ...(key.length > 0 && { key }),
  }))
}

function* nobodyListens(registry: Registry): Generator<Finding> {
  const deaf = (['issued', 'rejected'] as const).filter(
    (event) => registry.listeners(event).length === 0,
  )
  if (deaf.length === 0) return
  yield {
    about: 'audit-log',
    problem: `No listener hears ${deaf.join(' or ')}: nobody can tell afterwards who was let in or refused, and why.`,
  }
}

/** RFC 9700 section 2.5: what can be copied from a log is no proof of who one is. */
function* secretAlone(registry: Registry, groups: readonly ClientGroup[]): Generator<Finding> {
  for (const { name } of registry.clientAuths) {
    const clients = count(needing(registry, name, ['secret'], groups))
    if (clients.count === 0) continue
    yield {
      about: name,
      problem: sentence(
        clients,
        ['shows its secret alone', 'show their secret alone'],
        'whoever reads it somewhere is that client.',
      ),
      clients,
    }
  }
}

function* passwordGrant(registry: Registry, groups: readonly ClientGroup[]): Generator<Finding> {
  if (registry.grant('password') === undefined) return
  const clients = count(listing(groups, 'password'))
  if (clients.count === 0) return
  yield {
    about: 'password',
    problem: sentence(
      clients,
      verb('lists', 'list', 'the password grant'),
      'whoever asks people for their passwords can keep them, and RFC 9700 section 2.4 forbids it.',
    ),
    clients,
  }
}
