import { SetupError } from '../error/setup-error'
import { type Link, readProperties } from './chain'
import type { EventName, ServerEvents } from './events'
import type { ClientAuth, Contribution, GrantHandler, SetupContext } from './plugin'

/**
 * The handlers that run, in order. Opening calls each plugin's `setup` in order; closing calls
 * `close` in reverse, also when a later setup failed, as WSO2's and Caddy's modules are unwound.
 */
export interface Registry {
  /** Client authentication methods, small orders first. */
  readonly clientAuths: readonly NamedClientAuth[]
  /** The method of that name, if it is on. */
  clientAuth(method: string): NamedClientAuth | undefined
  grant(grant_type: string): GrantHandler | undefined
  readonly grantTypes: readonly string[]
  /** Listeners of one event, in order. */
  listeners<Name extends EventName>(event: Name): readonly NamedListener<Name>[]
  readonly links: readonly Link[]
  close(): Promise<void>
  /** The chain in order: `200 mutual_ssl (mtls-secret) · 300 authorization_code · …` */
  toString(): string
}

export interface NamedClientAuth extends ClientAuth {
  readonly name: string
}

export interface NamedListener<Name extends EventName> {
  readonly name: string
  hear(event: ServerEvents[Name]): unknown
}

export type SharedContext = Omit<SetupContext<unknown>, 'properties'>

/** Sets every link up. Throws `SetupError` naming the plugin; what was set up before is closed again. */
export async function openRegistry(
  links: readonly Link[],
  context: SharedContext,
): Promise<Registry> {
  const running: { link: Link; contribution: Contribution }[] = []
  const close = async () => {
    for (const { contribution } of running.splice(0).reverse()) await contribution.close?.()
  }
  try {
    for (const link of links) {
      running.push({ link, contribution: await setUp(link, context) })
    }
    return arrange(running, links, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function setUp(link: Link, context: SharedContext): Promise<Contribution> {
  const properties = await readProperties(link)
  const contribution = await link.plugin.setup(Object.freeze({ ...context, properties }))
  const { clientAuth, grant, listener } = contribution
  const given = { 'client-auth': clientAuth, grant, listener }
  if (clientAuth === undefined && grant === undefined && listener === undefined) {
    throw new SetupError(
      `Plugin "${link.plugin.name}" gives no clientAuth, grant or listener.`,
      'Its setup must return at least one.',
      { key: link.key },
    )
  }
  if (link.type !== 'any' && given[link.type] === undefined) {
    throw new SetupError(
      `"${link.plugin.name}" is not a handler of type "${link.type}".`,
      `Write one of: ${Object.entries(given)
        .flatMap(([type, part]) => (part ? [type] : []))
        .join(', ')}.`,
      { key: [...link.key, 'type'] },
    )
  }
  return contribution
}

function arrange(
  running: readonly { link: Link; contribution: Contribution }[],
  links: readonly Link[],
  close: () => Promise<void>,
): Registry {
  const clientAuths: NamedClientAuth[] = []
  const grants = new Map<string, GrantHandler>()
  const listeners = new Map<EventName, NamedListener<EventName>[]>()

  for (const { link, contribution } of running) {
    const { name } = link.plugin
    if (contribution.clientAuth !== undefined) {
      const part = contribution.clientAuth
      clientAuths.push({
        name,
        recognise: (request) => part.recognise(request),
        authenticate: (request, client) => part.authenticate(request, client),
        secretInQuery: part.secretInQuery ?? false,
      })
    }
    if (contribution.grant !== undefined) {
      const { grant_type } = contribution.grant
      if (grants.has(grant_type)) {
        throw new SetupError(
          `grant_type "${grant_type}" is offered by two plugins, one of them "${name}".`,
          'Turn one of them off: enable = false.',
          { key: link.key },
        )
      }
      grants.set(grant_type, contribution.grant)
    }
    for (const [event, hear] of Object.entries(contribution.listener ?? {})) {
      const list = listeners.get(event as EventName) ?? []
      list.push({ name, hear: hear as (event: unknown) => unknown })
      listeners.set(event as EventName, list)
    }
  }

  const byMethod = new Map(clientAuths.map((auth) => [auth.name, auth]))
  return Object.freeze({
    clientAuths,
    clientAuth: (method: string) => byMethod.get(method),
    grant: (grant_type: string) => grants.get(grant_type),
    grantTypes: [...grants.keys()],
    listeners: <Name extends EventName>(event: Name) =>
      (listeners.get(event) ?? []) as readonly NamedListener<Name>[],
    links,
    close,
    toString: () => links.map(describeLink).join(' · '),
  })
}

/** `200 mutual_ssl (mtls-secret)`, or `300 authorization_code` where id and name are the same. */
export function describeLink({ order, id, plugin }: Link): string {
  return id === plugin.name ? `${order} ${id}` : `${order} ${id} (${plugin.name})`
}
