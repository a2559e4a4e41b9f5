import type { MaybePromise } from '../client/client-store'
import { SetupError } from '../error/setup-error'
import { textOf } from '../error/text-of'
import { type Capabilities, capabilitiesFor } from './capabilities'
import type { Link } from './chain'
import { checkContribution } from './contribution'
import { type Deadline, openDeadline } from './deadline'
import type { EventName, ServerEvents } from './events'
import type { ClientAuth, Contribution, GrantHandler } from './plugin'
import { oneLine, readProperties } from './properties'

/**
 * The handlers that run, in order. Opening calls each plugin's `setup` in order; closing calls
 * `close` in reverse, also when a later setup failed, as WSO2's and Caddy's modules are unwound.
 */
export interface Registry {
  /** Client authentication methods, small orders first. */
  readonly clientAuths: readonly NamedClientAuth[]
  /** The method of that name, if it is on. */
  clientAuth(method: string): NamedClientAuth | undefined
  grant(grant_type: string): NamedGrant | undefined
  readonly grantTypes: readonly string[]
  /** Listeners of one event, in order. */
  listeners<Name extends EventName>(event: Name): readonly NamedListener<Name>[]
  readonly links: readonly RunningLink[]
  /** Never rejects: a handler that can't be closed is named in the log, and the next one is closed. */
  close(): Promise<void>
  /** The chain in order: `200 mutual_ssl (mtls-secret) · 300 authorization_code · …` */
  toString(): string
}

export interface NamedClientAuth extends Required<ClientAuth> {
  readonly name: string
}

export interface NamedGrant extends GrantHandler {
  readonly name: string
}

export interface NamedListener<Name extends EventName> {
  readonly name: string
  hear(event: ServerEvents[Name]): unknown
}

/** A link with what its plugin gave. */
export interface RunningLink extends Link {
  readonly contribution: Contribution
}

/** Milliseconds that a setup, and that a close, may take: no network is waited for in either. */
const setupLimit = 10_000
const closeLimit = 2_000

/** Sets every link up. Throws `SetupError` naming the plugin; what was set up before is closed again. */
export async function openRegistry(
  links: readonly Link[],
  capabilities: Capabilities,
): Promise<Registry> {
  const running: RunningLink[] = []
  const close = () => closeInReverse(running.splice(0), capabilities)
  const deadline = openDeadline(setupLimit, { keepsAlive: true })
  try {
    for (const link of links) {
      const contribution = await setUp(link, capabilities, deadline)
      running.push({ ...link, contribution })
      checkContribution(link, contribution)
    }
    return arrange([...running], close)
  } catch (error) {
    await close()
    throw error
  } finally {
    deadline.close()
  }
}

async function setUp(
  link: Link,
  capabilities: Capabilities,
  deadline: Deadline,
): Promise<Contribution> {
  const { plugin, id } = link
  const properties = await readProperties(link)
  const context = Object.freeze({ ...capabilitiesFor(plugin.name, capabilities), properties })
  try {
    return await deadline.within(plugin.setup(context), () => new Error('no answer in 10 seconds'))
  } catch (cause) {
    if (cause instanceof SetupError) throw cause
    throw new SetupError(
      `The handler "${id}" cannot be set up: ${oneLine(cause)}.`,
      `See the documentation of "${plugin.name}", or turn it off: enable = false.`,
      link.key.length > 0 ? { key: link.key } : {},
      cause,
    )
  }
}

async function closeInReverse(
  running: readonly RunningLink[],
  { log }: Pick<Capabilities, 'log'>,
): Promise<void> {
  const deadline = openDeadline(closeLimit, { keepsAlive: true })
  for (const { plugin, contribution } of running.toReversed()) {
    try {
      await deadline.within(closed(contribution), () => new Error('no answer in time'))
    } catch (cause) {
      log.error('handler.failed', { handler: plugin.name, step: 'close', problem: textOf(cause) })
    }
  }
  deadline.close()
}

function closed(contribution: Contribution | undefined): MaybePromise<void> {
  return contribution?.close?.()
}

function arrange(links: readonly RunningLink[], close: () => Promise<void>): Registry {
  const clientAuths = new Map<string, NamedClientAuth>()
  const grants = new Map<string, NamedGrant>()
  const listeners = new Map<string, NamedListener<EventName>[]>()

  for (const link of links) {
    const { name } = link.plugin
    const { clientAuth, grant, listener } = link.contribution
    if (clientAuth !== undefined) clientAuths.set(name, namedClientAuth(name, clientAuth))
    if (grant !== undefined) {
      const other = grants.get(grant.grant_type)
      if (other !== undefined) throw sameGrant(link, other.name, grant.grant_type)
      grants.set(grant.grant_type, namedGrant(name, grant))
    }
    for (const [event, hear] of Object.entries(listener ?? {})) {
      if (hear === undefined) continue
      const others = listeners.get(event) ?? []
      const bound = (hear as (event: unknown) => unknown).bind(listener)
      listeners.set(event, [...others, { name, hear: bound }])
    }
  }

  return Object.freeze({
    clientAuths: [...clientAuths.values()],
    clientAuth: (method: string) => clientAuths.get(method),
    grant: (grant_type: string) => grants.get(grant_type),
    grantTypes: [...grants.keys()],
    listeners: <Name extends EventName>(event: Name) =>
      (listeners.get(event) ?? []) as readonly NamedListener<Name>[],
    links,
    close,
    toString: () => links.map(describeLink).join(' · '),
  })
}

function namedClientAuth(name: string, part: ClientAuth): NamedClientAuth {
  return {
    name,
    recognise: (request) => part.recognise(request),
    authenticate: (request, client) => part.authenticate(request, client),
    secretInQuery: part.secretInQuery ?? false,
    needs: (client) => part.needs?.(client) ?? ['unknown'],
  }
}

function namedGrant(name: string, part: GrantHandler): NamedGrant {
  return {
    name,
    grant_type: part.grant_type,
    parameters: part.parameters ?? [],
    decide: (request, client) => part.decide(request, client),
  }
}

function sameGrant(link: Link, other: string, grant_type: string): SetupError {
  return new SetupError(
    `The grant_type "${grant_type}" is offered by both "${other}" and "${link.plugin.name}".`,
    'Turn one of them off: enable = false.',
    link.key.length > 0 ? { key: link.key } : {},
  )
}

/** `200 mutual_ssl (mtls-secret)`, or `300 authorization_code` where id and name are the same. */
export function describeLink({ order, id, plugin }: Link): string {
  return id === plugin.name ? `${order} ${id}` : `${order} ${id} (${plugin.name})`
}
