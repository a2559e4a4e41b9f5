import type { ClientGroup } from '../client/client-store'
import type { Registry } from '../plugin/registry'

/** How many, and the first few by name. */
export interface Count {
  readonly count: number
  readonly first: readonly string[]
}

const few = 3

export function count(groups: readonly ClientGroup[]): Count {
  const names = groups.flatMap(({ first }) =>
    first.map(({ client_id, client_name }) =>
      client_name === client_id ? client_id : `${client_name} (${client_id})`,
    ),
  )
  return {
    count: groups.reduce((sum, { clients }) => sum + clients, 0),
    first: names.slice(0, few),
  }
}

/** `2 clients show their secret alone: billing (9f…), payroll (7a…); whoever …` */
export function sentence(
  { count, first }: Count,
  [one, several]: readonly [string, string],
  consequence: string,
): string {
  const who = `${count} ${count === 1 ? `client ${one}` : `clients ${several}`}`
  return `${who}: ${first.join(', ')}${count > first.length ? ', …' : ''}; ${consequence}`
}

/** A sentence's two forms, where they differ in the verb alone. */
export function verb(one: string, several: string, rest: string): readonly [string, string] {
  return [`${one} ${rest}`, `${several} ${rest}`]
}

/** Those that no handler serves. */
export function unservedGroups(
  registry: Pick<Registry, 'clientAuth'>,
  groups: readonly ClientGroup[],
): ClientGroup[] {
  return groups.filter(
    ({ token_endpoint_auth_method }) =>
      registry.clientAuth(token_endpoint_auth_method) === undefined,
  )
}

export function listing(groups: readonly ClientGroup[], grant_type: string): ClientGroup[] {
  return groups.filter(({ grant_types }) => grant_types.includes(grant_type))
}

/** The clients of a method that must show exactly that. */
export function needing(
  registry: Registry,
  method: string,
  show: readonly string[],
  groups: readonly ClientGroup[],
): ClientGroup[] {
  return groups.filter(
    ({ token_endpoint_auth_method, without_certificate }) =>
      token_endpoint_auth_method === method &&
      shown(registry, method, without_certificate).join() === show.join(),
  )
}

/** A plugin that can't tell what it asks is no reason not to start. */
export function shown(
  registry: Registry,
  method: string,
  withoutCertificate: boolean,
): readonly string[] {
  try {
    return registry.clientAuth(method)?.needs({ withoutCertificate }) ?? []
  } catch {
    return ['unknown']
  }
}
