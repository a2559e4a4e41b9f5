import { sql } from 'kysely'
import { type ClientGroup, type ClientStore, firstOfGroup } from '../client/client-store'
import { parseStrings } from './client-rows'
import type { Engine } from './engine'
import { statement } from './statement'
import type { ClientRow } from './tables'

/** The index `client_group` has all that is asked for, in this order. */
const grouped = [
  'token_endpoint_auth_method',
  'without_certificate',
  'disabled',
  'grant_types',
] as const

/** Counted by the database: a million clients are some groups. */
export function sqlClientGroups({
  db,
  ask,
}: Pick<Engine, 'db' | 'ask'>): ClientStore['groupClients'] {
  const groups = statement(() =>
    db
      .selectFrom('client')
      .select(grouped)
      .select(sql<number>`count(*)`.as('clients'))
      .groupBy(grouped)
      .orderBy('clients', 'desc')
      .orderBy('token_endpoint_auth_method')
      .orderBy('grant_types')
      .orderBy('without_certificate')
      .orderBy('disabled'),
  )
  const firstOf = statement((values: Pick<ClientRow, (typeof grouped)[number]>) =>
    db
      .selectFrom('client')
      .select(['client_id', 'client_name'])
      .where('token_endpoint_auth_method', '=', values.token_endpoint_auth_method)
      .where('without_certificate', '=', values.without_certificate)
      .where('disabled', '=', values.disabled)
      .where('grant_types', '=', values.grant_types)
      .orderBy('client_id')
      .limit(firstOfGroup),
  )

  return async () => {
    const found: ClientGroup[] = []
    for (const row of await ask(groups, {})) {
      const first = await ask(firstOf, row)
      found.push({
        token_endpoint_auth_method: row.token_endpoint_auth_method,
        grant_types: parseStrings(row.grant_types),
        without_certificate: row.without_certificate !== 0,
        disabled: row.disabled !== 0,
        clients: row.clients,
        first: first.map((name) => ({ ...name })),
      })
    }
    return found
  }
}
