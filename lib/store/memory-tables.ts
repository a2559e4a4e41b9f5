import type { Account, Session } from '../account/account-store'
import type { ClientRecord } from '../client/client-store'
import type { Observed } from '../client/observed'
import type { FailureWindow } from '../client/throttle-store'
import type { KeyRecord } from '../token/key-store'
import type { FoundCode, Grant, PushedRequest, RefreshToken } from '../token/token-store'

/** What a database has as tables. */
export interface MemoryTables {
  readonly clients: Map<string, ClientRecord>
  readonly accounts: Map<string, Account>
  readonly grants: Map<string, Grant>
  readonly tokens: Map<string, RefreshToken>
  readonly codes: Map<string, FoundCode>
  readonly pushed: Map<string, PushedRequest>
  readonly sessions: Map<string, Session>
  readonly keys: Map<string, KeyRecord>
  /** Digests of what may come once, until when. */
  readonly replay: Map<string, number>
  /** Grants that were revoked and never stored, until when. */
  readonly revoked: Map<string, number>
  readonly failures: Map<string, FailureWindow & { key: string; blocked: number | undefined }>
  readonly observed: Map<string, Observed>
  version: number
  blocks: number
}

export function memoryTables(): MemoryTables {
  return {
    clients: new Map(),
    accounts: new Map(),
    grants: new Map(),
    tokens: new Map(),
    codes: new Map(),
    pushed: new Map(),
    sessions: new Map(),
    keys: new Map(),
    replay: new Map(),
    revoked: new Map(),
    failures: new Map(),
    observed: new Map(),
    version: 0,
    blocks: 0,
  }
}

/** How many were removed, of at most `limit`. */
export function removeWhere<Row>(
  rows: Map<string, Row>,
  unwanted: (row: Row) => boolean,
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
