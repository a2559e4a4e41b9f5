import {
  type ClientGroup,
  type ClientName,
  type ClientRecord,
  type ClientStore,
  firstOfGroup,
} from '../client/client-store'
import { longestFirst, newestFirst } from './client-rows'
import { type MemoryTables, removeWhere } from './memory-tables'
import { refuseUnstorable } from './text'
import { latestUses } from './uses'

export function memoryClients(tables: MemoryTables): ClientStore {
  const { clients, grants, tokens, codes, pushed, observed } = tables

  function insert(record: ClientRecord): boolean {
    const client = frozen(record)
    if (clients.has(client.client_id)) return false
    clients.set(client.client_id, client)
    tables.version++
    return true
  }

  return {
    version: () => tables.version,
    findClient: (client_id) => clients.get(client_id),
    listClients: async () =>
      [...clients.values()].sort(
        (a, b) => a.created - b.created || (a.client_id < b.client_id ? -1 : 1),
      ),
    groupClients: async () => groupsOf([...clients.values()]),
    async registeredAmong(thumbprints) {
      const registered = [...clients.values()].flatMap(({ certificates }) => certificates)
      const found = new Set(registered.map(({ thumbprint }) => thumbprint))
      return thumbprints.filter((thumbprint) => found.has(thumbprint))
    },
    insertClient: async (record) => insert(record),
    async insertRegistered(record, { all, lately, since }) {
      const registered = [...clients.values()].filter(({ registration }) => registration)
      if (registered.length >= all) return 'too_many'
      if (registered.filter(({ created }) => created > since).length >= lately) {
        return 'too_many_lately'
      }
      return insert(record) ? undefined : 'taken'
    },
    async changeClient(client_id, change) {
      const before = clients.get(client_id)
      if (before === undefined) return undefined
      const after = frozen({ ...change(before), client_id })
      clients.set(client_id, after)
      tables.version++
      return after
    },
    async deleteClient(client_id) {
      if (!clients.delete(client_id)) return false
      const isTheirs = (row: { client_id: string }) => row.client_id === client_id
      removeWhere(tokens, (token) => grants.get(token.grant_id)?.client_id === client_id)
      removeWhere(grants, isTheirs)
      removeWhere(codes, isTheirs)
      removeWhere(pushed, isTheirs)
      removeWhere(observed, isTheirs)
      tables.version++
      return true
    },
    async recordUses(uses) {
      for (const { client_id, digest, thumbprint, at } of latestUses(uses)) {
        const client = clients.get(client_id)
        if (client === undefined) continue
        const secrets = client.secrets.map((one) => (one.digest === digest ? used(one, at) : one))
        const certificates = client.certificates.map((one) =>
          one.thumbprint === thumbprint ? used(one, at) : one,
        )
        clients.set(client_id, frozen({ ...client, secrets, certificates }))
      }
    },
  }
}

function groupsOf(clients: readonly ClientRecord[]): ClientGroup[] {
  const groups = new Map<string, ClientGroup & { first: ClientName[] }>()
  for (const client of [...clients].sort((a, b) => (a.client_id < b.client_id ? -1 : 1))) {
    const { token_endpoint_auth_method, grant_types, without_certificate, disabled } = client
    const kind = { token_endpoint_auth_method, grant_types, without_certificate, disabled }
    const key = JSON.stringify(kind)
    const group = groups.get(key) ?? { ...kind, clients: 0, first: [] }
    groups.set(key, group)
    group.clients += 1
    const { client_id, client_name } = client
    if (group.first.length < firstOfGroup) group.first.push({ client_id, client_name })
  }
  return [...groups]
    .sort(([a, { clients: many }], [b, { clients: few }]) => few - many || (a < b ? -1 : 1))
    .map(([, group]) => group)
}

function used<Row extends { last_used: number | undefined }>(row: Row, at: number): Row {
  return { ...row, last_used: Math.max(row.last_used ?? at, at) }
}

/** A copy that nobody can change, in the order in which a database would answer it. */
function frozen(record: ClientRecord): ClientRecord {
  const { secrets, certificates } = record
  for (const row of [record, ...secrets, ...certificates]) refuseUnstorable(Object.values(row))
  return Object.freeze({
    ...record,
    grant_types: Object.freeze([...record.grant_types]),
    redirect_uris: Object.freeze([...record.redirect_uris]),
    resources: Object.freeze([...record.resources]),
    secrets: Object.freeze(newestFirst(secrets).map((secret) => Object.freeze({ ...secret }))),
    certificates: Object.freeze(
      longestFirst(certificates).map((certificate) =>
        Object.freeze({ ...certificate, der: Buffer.from(certificate.der) }),
      ),
    ),
  })
}
