import type { Consumption, FoundCode, Issue, RefreshToken, TokenStore } from '../token/token-store'
import { Conflict } from './fault'
import { type MemoryTables, removeWhere } from './memory-tables'
import { replayDigest } from './replay-digest'
import { refuseUnstorable } from './text'

/** Nothing waits between a condition and the change that depends on it: that is single use here. */
export function memoryTokens(tables: MemoryTables): TokenStore {
  const { clients, grants, tokens, codes, pushed, sessions, replay, revoked } = tables

  const isRevoked = (grant_id: string) =>
    revoked.has(grant_id) || grants.get(grant_id)?.revoked !== undefined

  /** What a database refuses by its constraints. */
  function fits({ grant, refresh_token }: Issue): boolean {
    refuseUnstorable([...Object.values(grant ?? {}), ...Object.values(refresh_token ?? {})])
    if (grant !== undefined) {
      if (!clients.has(grant.client_id)) return false
      if (grants.has(grant.grant_id) || revoked.has(grant.grant_id)) return false
    }
    if (refresh_token !== undefined) {
      const { digest, grant_id } = refresh_token
      if (tokens.has(digest)) return false
      if (!grants.has(grant_id) && grant?.grant_id !== grant_id) return false
    }
    return true
  }

  /** Whether there was something left to spend; then it is spent. */
  function spend(consumes: Consumption, now: number): boolean {
    if ('refresh_token' in consumes) {
      const token = tokens.get(consumes.refresh_token)
      const grant = token && grants.get(token.grant_id)
      return token !== undefined && grant !== undefined && grant.expires > now
        ? spendOnce(tokens, token, now)
        : false
    }
    if ('code' in consumes) {
      const code = codes.get(consumes.code)
      return code !== undefined && spendOnce(codes, code, now)
    }
    return remember(replayDigest('jti', consumes.jti), consumes.expires, now)
  }

  function spendOnce<Row extends RefreshToken | FoundCode>(
    rows: Map<string, Row>,
    row: Row,
    now: number,
  ): boolean {
    if (row.used !== undefined || row.expires <= now || isRevoked(row.grant_id)) return false
    rows.set(row.digest, { ...row, used: now })
    return true
  }

  function remember(digest: string, expires: number, now: number): boolean {
    if ((replay.get(digest) ?? now) > now) return false
    replay.set(digest, expires)
    return true
  }

  return {
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
      if (grant === undefined) {
        revoked.set(grant_id, expires)
      } else {
        const end = Math.max(grant.expires, expires)
        grants.set(grant_id, { ...grant, revoked: now, expires: end })
      }
      return true
    },
    async insertCode(code) {
      refuseUnstorable(Object.values(code))
      refuseMissing(clients, code.client_id)
      codes.set(code.digest, { ...code })
    },
    async insertPushedRequest(request) {
      refuseUnstorable(Object.values(request))
      refuseMissing(clients, request.client_id)
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
      const ended = (row: { expires: number }) => row.expires < before
      left -= removeWhere(tokens, (token) => isOver(grants.get(token.grant_id), ended), left)
      const families = new Set([...tokens.values()].map((token) => token.grant_id))
      left -= removeWhere(grants, (row) => ended(row) && !families.has(row.grant_id), left)
      left -= removeWhere(codes, ended, left)
      left -= removeWhere(pushed, ended, left)
      left -= removeWhere(sessions, ended, left)
      left -= removeWhere(revoked, (expires) => expires < before, left)
      left -= removeWhere(replay, (expires) => expires < before, left)
      return limit - left
    },
  }
}

/** What a foreign key refuses in a database. */
export function refuseMissing(rows: Map<string, unknown>, key: string): void {
  if (!rows.has(key)) throw new Conflict()
}

function isOver<Row>(row: Row | undefined, ended: (row: Row) => boolean): boolean {
  return row === undefined || ended(row)
}
