import type { KeyStore } from '../token/key-store'
import { memoryAccounts } from './memory-accounts'
import { memoryClients } from './memory-clients'
import { memoryFailures } from './memory-failures'
import { memoryObserved } from './memory-observed'
import { type MemoryTables, memoryTables } from './memory-tables'
import { memoryTokens } from './memory-tokens'
import type { Store } from './store'
import { refuseUnstorable } from './text'

/**
 * A store that ends with its process, for tests and trials. It keeps the same contract as the
 * databases.
 *
 * @example
 * const server = await createAuthorizationServer({ issuer, store: memoryStore() })
 */
export function memoryStore(): Store {
  const tables = memoryTables()
  return {
    ...memoryClients(tables),
    ...memoryAccounts(tables),
    ...memoryTokens(tables),
    ...memoryKeys(tables),
    ...memoryFailures(tables),
    ...memoryObserved(tables),
    async open() {},
    async ping() {},
    async close() {},
    status: async () => ({ schema: 0, latest: 0, store: 'memory', counts: countsOf(tables) }),
  }
}

function memoryKeys(tables: MemoryTables): KeyStore {
  const { keys } = tables
  return {
    listKeys: async () =>
      [...keys.values()].sort((a, b) => b.created - a.created || (a.kid < b.kid ? -1 : 1)),
    async activateKey({ kid, alg }, now, overlap) {
      refuseUnstorable([kid, alg])
      for (const key of keys.values()) {
        if (key.kid === kid || key.replaced !== undefined) continue
        keys.set(key.kid, { ...key, replaced: now, published_until: now + overlap })
      }
      const created = keys.get(kid)?.created ?? now
      keys.set(kid, { kid, alg, created, replaced: undefined, published_until: undefined })
      tables.version++
    },
  }
}

/** By the names that the tables of a database have. */
function countsOf(tables: MemoryTables): Record<string, number> {
  const clients = [...tables.clients.values()]
  return {
    client: clients.length,
    client_secret: clients.flatMap((client) => client.secrets).length,
    client_certificate: clients.flatMap((client) => client.certificates).length,
    account: tables.accounts.size,
    grant: tables.grants.size + tables.revoked.size,
    refresh_token: tables.tokens.size,
    code: tables.codes.size,
    par: tables.pushed.size,
    session: tables.sessions.size,
    replay: tables.replay.size,
    signing_key: tables.keys.size,
    failure: tables.failures.size,
    observed: tables.observed.size,
  }
}
