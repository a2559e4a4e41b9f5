import type { Account, Session } from '../account/account-store'
import type { ClientRecord } from '../client/client-store'
import type { KeyRecord } from '../token/key-store'
import type {
  Consumption,
  FoundCode,
  Grant,
  Issue,
  PushedRequest,
  RefreshToken,
} from '../token/token-store'
import { longestFirst, newestFirst } from './client-rows'
import { storeFault } from './fault'
import { replayDigest } from './replay-digest'
import type { Store } from './store'
import { refuseUnstorable } from './text'
import { latestUses } from './uses'

/**
 * A store that ends with its process, for tests and trials. It keeps the same contract as the
 * databases: nothing waits between a condition and the change that depends on it.
 *
 * @example
 * const server = await createAuthorizationServer({ issuer, store: memoryStore() })
 */
export function memoryStore(): Store {
  const clients = new Map<string, ClientRecord>()
  const accounts = new Map<string, Account>()
  const grants = new Map<string, Grant>()
  const tokens = new Map<string, RefreshToken>()
  const codes = new Map<string, FoundCode>()
  const pushed = new Map<string, PushedRequest>()
  const sessions = new Map<string, Session>()
  const replay = new Map<string, number>()
  const keys = new Map<string, KeyRecord>()
  /** Grants that were revoked and never stored, until when. */
  const revoked = new Map<string, number>()
  let version = 0

  const accountNamed = (username: string) =>
    [...accounts.values()].find((account) => account.username === username)

  /** Changes an account by its name; whether there is one. */
  function changeAccount(username: string, change: Partial<Account>): Account | undefined {
    refuseUnstorable(Object.values(change))
    const account = accountNamed(username)
    if (account === undefined) return undefined
    accounts.set(account.account_id, { ...account, ...change })
    version++
    return account
  }

  function endAll({ account_id }: Account, now: number): void {
    for (const grant of grants.values()) {
      if (grant.sub === account_id)
        grants.set(grant.grant_id, { ...grant, revoked: grant.revoked ?? now })
    }
    removeWhere(codes, (code) => code.sub === account_id)
    removeWhere(sessions, (session) => session.account_id === account_id)
  }

  const isRevoked = (grant_id: string) =>
    revoked.has(grant_id) || grants.get(grant_id)?.revoked !== undefined

  /** Whether there was something left to spend; then it is spent. */
  function spend(consumes: Consumption, now: number): boolean {
    if ('refresh_token' in consumes) {
      const token = tokens.get(consumes.refresh_token)
      const grant = token && grants.get(token.grant_id)
      if (!token || !grant || grant.expires <= now) return false
      return spendOnce(tokens, token, now)
    }
    if ('code' in consumes) {
      const code = codes.get(consumes.code)
      return code !== undefined && spendOnce(codes, code, now)
    }
    return remember(replayDigest('jti', consumes.jti), consumes.expires, now)
  }

  function spendOnce<T extends RefreshToken | FoundCode>(
    all: Map<string, T>,
    one: T,
    now: number,
  ): boolean {
    if (one.used !== undefined || one.expires <= now || isRevoked(one.grant_id)) return false
    all.set(one.digest, { ...one, used: now })
    return true
  }

  function remember(digest: string, expires: number, now: number): boolean {
    if ((replay.get(digest) ?? Number.NEGATIVE_INFINITY) > now) return false
    replay.set(digest, expires)
    return true
  }

  /** What a foreign key refuses in a database. */
  function mustExist(present: boolean): void {
    if (!present) throw storeFault(new Error('What this row refers to is gone.'))
  }

  function fits({ grant, refresh_token }: Issue): boolean {
    if (grant) {
      refuseUnstorable(Object.values(grant))
      if (!clients.has(grant.client_id)) return false
      if (grants.has(grant.grant_id) || revoked.has(grant.grant_id)) return false
    }
    if (refresh_token) {
      refuseUnstorable(Object.values(refresh_token))
      if (tokens.has(refresh_token.digest)) return false
      if (!grants.has(refresh_token.grant_id) && grant?.grant_id !== refresh_token.grant_id)
        return false
    }
    return true
  }

  return {
    version: () => version,
    findClient: (client_id) => clients.get(client_id),
    registeredAmong: async (thumbprints) => {
      const registered = [...clients.values()].flatMap(({ certificates }) => certificates)
      const found = new Set(registered.map(({ thumbprint }) => thumbprint))
      return thumbprints.filter((thumbprint) => found.has(thumbprint))
    },
    listClients: async () =>
      [...clients.values()].sort(
        (a, b) => a.created - b.created || (a.client_id < b.client_id ? -1 : 1),
      ),
    async insertClient(record) {
      const client = frozen(record)
      if (clients.has(client.client_id)) return false
      clients.set(client.client_id, client)
      version++
      return true
    },
    async changeClient(client_id, change) {
      const before = clients.get(client_id)
      if (before === undefined) return undefined
      const after = frozen({ ...change(before), client_id })
      clients.set(client_id, after)
      version++
      return after
    },
    async deleteClient(client_id) {
      if (!clients.delete(client_id)) return false
      removeWhere(tokens, (token) => grants.get(token.grant_id)?.client_id === client_id)
      for (const rows of [grants, codes, pushed])
        removeWhere<{ client_id: string }>(rows, (row) => row.client_id === client_id)
      version++
      return true
    },
    async recordUses(uses) {
      for (const { client_id, digest, thumbprint, at } of latestUses(uses)) {
        const client = clients.get(client_id)
        if (client === undefined) continue
        const later = (last: number | undefined) => (last === undefined || last < at ? at : last)
        clients.set(
          client_id,
          frozen({
            ...client,
            secrets: client.secrets.map((secret) =>
              secret.digest === digest ? { ...secret, last_used: later(secret.last_used) } : secret,
            ),
            certificates: client.certificates.map((certificate) =>
              certificate.thumbprint === thumbprint
                ? { ...certificate, last_used: later(certificate.last_used) }
                : certificate,
            ),
          }),
        )
      }
    },

    findAccount: async (username) => accountNamed(username),
    findAccountById: async (account_id) => accounts.get(account_id),
    async insertAccount(account) {
      refuseUnstorable(Object.values(account))
      if (accounts.has(account.account_id) || accountNamed(account.username)) return false
      accounts.set(account.account_id, { ...account })
      version++
      return true
    },
    async setPassword(username, password, now) {
      const account = changeAccount(username, { password })
      if (account) endAll(account, now)
      return account !== undefined
    },
    async setDisabled(username, disabled, now) {
      const account = changeAccount(username, { disabled })
      if (account && disabled) endAll(account, now)
      return account !== undefined
    },
    async insertSession(session) {
      refuseUnstorable(Object.values(session))
      mustExist(accounts.has(session.account_id))
      sessions.set(session.digest, { ...session })
    },
    async findSession(digest, now) {
      const session = sessions.get(digest)
      return session && session.expires > now ? session : undefined
    },
    deleteSession: async (digest) => sessions.delete(digest),

    async findRefreshToken(digest) {
      const token = tokens.get(digest)
      const grant = token && grants.get(token.grant_id)
      return token && grant && { ...token, grant }
    },
    findGrant: async (grant_id) => grants.get(grant_id),
    isGrantRevoked: async (grant_id) => isRevoked(grant_id),
    findCode: async (digest) => codes.get(digest),
    async commitIssue(issue) {
      const { consumes, grant, refresh_token, now } = issue
      if (!fits(issue) || (consumes && !spend(consumes, now))) return false
      if (grant) grants.set(grant.grant_id, { ...grant })
      if (refresh_token) tokens.set(refresh_token.digest, { ...refresh_token })
      return true
    },
    async revokeGrant(grant_id, now, expires) {
      refuseUnstorable([grant_id])
      if (isRevoked(grant_id)) return false
      const grant = grants.get(grant_id)
      if (grant === undefined) revoked.set(grant_id, expires)
      else {
        grants.set(grant_id, { ...grant, revoked: now, expires: Math.max(grant.expires, expires) })
      }
      return true
    },
    async insertCode(code) {
      refuseUnstorable(Object.values(code))
      mustExist(clients.has(code.client_id))
      codes.set(code.digest, { ...code })
    },
    async insertPushedRequest(request) {
      refuseUnstorable(Object.values(request))
      mustExist(clients.has(request.client_id))
      pushed.set(request.digest, { ...request })
    },
    async takePushedRequest(digest, now) {
      const request = pushed.get(digest)
      if (request === undefined || request.expires <= now) return undefined
      pushed.delete(digest)
      return request
    },
    seen: async (key, expires, now) => !remember(replayDigest('seen', key), expires, now),
    async removeExpired(before, limit) {
      let left = limit
      const ended = ({ expires }: { expires: number }) => expires < before
      left -= removeWhere(
        tokens,
        (token) => {
          const grant = grants.get(token.grant_id)
          return grant === undefined || ended(grant)
        },
        left,
      )
      const emptied = new Set([...tokens.values()].map((token) => token.grant_id))
      left -= removeWhere(grants, (grant) => ended(grant) && !emptied.has(grant.grant_id), left)
      for (const rows of [codes, pushed, sessions])
        left -= removeWhere<{ expires: number }>(rows, ended, left)
      for (const rows of [revoked, replay])
        left -= removeWhere(rows, (expires) => expires < before, left)
      return limit - left
    },

    listKeys: async () =>
      [...keys.values()].sort((a, b) => b.created - a.created || (a.kid < b.kid ? -1 : 1)),
    async activateKey({ kid, alg }, now, overlap) {
      for (const key of keys.values()) {
        if (key.kid === kid || key.replaced !== undefined) continue
        keys.set(key.kid, { ...key, replaced: now, published_until: now + overlap })
      }
      const created = keys.get(kid)?.created ?? now
      keys.set(kid, { kid, alg, created, replaced: undefined, published_until: undefined })
      version++
    },

    async open() {},
    async ping() {},
    async close() {},
    async status() {
      const secrets = [...clients.values()].flatMap((client) => client.secrets)
      const certificates = [...clients.values()].flatMap((client) => client.certificates)
      return {
        schema: 0,
        latest: 0,
        store: 'memory',
        counts: {
          client: clients.size,
          client_secret: secrets.length,
          client_certificate: certificates.length,
          account: accounts.size,
          grant: grants.size + revoked.size,
          refresh_token: tokens.size,
          code: codes.size,
          par: pushed.size,
          session: sessions.size,
          replay: replay.size,
          signing_key: keys.size,
        },
      }
    },
  }
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

/** How many were removed, of at most `limit`. */
function removeWhere<T>(
  rows: Map<string, T>,
  unwanted: (row: T) => boolean,
  limit = Number.POSITIVE_INFINITY,
): number {
  let removed = 0
  for (const [key, row] of rows) {
    if (removed >= limit) break
    if (!unwanted(row)) continue
    rows.delete(key)
    removed++
  }
  return removed
}
