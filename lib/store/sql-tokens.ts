import type { QueryCreator } from 'kysely'
import type {
  Consumption,
  FoundCode,
  FoundRefreshToken,
  Grant,
  Issue,
  PushedRequest,
  RefreshToken,
  TokenStore,
} from '../token/token-store'
import { parseStrings } from './client-rows'
import type { Engine } from './engine'
import { Conflict } from './fault'
import { replayDigest } from './replay-digest'
import { rowOf, run, type Steps, statement } from './statement'
import { type CodeRow, columns, type GrantRow, type RefreshTokenRow, type Tables } from './tables'

export function sqlTokens(engine: Engine): Omit<TokenStore, 'removeExpired'> {
  const { db } = engine

  const findToken = statement((values: { digest: string }) =>
    db
      .selectFrom('refresh_token')
      .innerJoin('grant', 'grant.grant_id', 'refresh_token.grant_id')
      .select(columns.grant.map((column) => `grant.${column}` as const))
      .select([
        'refresh_token.digest',
        'refresh_token.created as token_created',
        'refresh_token.expires as token_expires',
        'refresh_token.used',
      ])
      .where('refresh_token.digest', '=', values.digest),
  )
  const findGrant = statement((values: { grant_id: string }) =>
    db.selectFrom('grant').select(columns.grant).where('grant_id', '=', values.grant_id),
  )
  const findCode = statement((values: { digest: string }) =>
    db.selectFrom('code').select(columns.code).where('digest', '=', values.digest),
  )
  const spendToken = statement((values: Spending) => spendRefreshToken(db, values))
  const spendCode = statement((values: Spending) =>
    db
      .updateTable('code')
      .set({ used: values.now })
      .where('digest', '=', values.digest)
      .where('used', 'is', null)
      .where('expires', '>', values.now)
      .where((on) =>
        on.not(
          on.exists(
            on
              .selectFrom('grant')
              .select('grant.grant_id')
              .whereRef('grant.grant_id', '=', 'code.grant_id')
              .where('grant.revoked', 'is not', null),
          ),
        ),
      )
      .returning('digest'),
  )
  const remember = statement((values: { digest: string; expires: number; now: number }) =>
    db
      .insertInto('replay')
      .values({ digest: values.digest, expires: values.expires })
      .onConflict((on) =>
        on
          .column('digest')
          .doUpdateSet({ expires: values.expires })
          .where('replay.expires', '<=', values.now),
      )
      .returning('digest'),
  )
  const insertGrant = statement((values: GrantRow) =>
    db.insertInto('grant').values(rowOf(values, columns.grant)),
  )
  const insertToken = statement((values: RefreshTokenRow) =>
    db.insertInto('refresh_token').values(rowOf(values, columns.refresh_token)),
  )
  const insertCode = statement((values: CodeRow) =>
    db.insertInto('code').values(rowOf(values, columns.code)),
  )
  const revoke = statement((values: { grant_id: string; now: number; expires: number }) =>
    db
      .insertInto('grant')
      .values({
        grant_id: values.grant_id,
        created: values.now,
        expires: values.expires,
        revoked: values.now,
      })
      .onConflict((on) =>
        on
          .column('grant_id')
          .doUpdateSet((row) => ({
            revoked: row.ref('excluded.revoked'),
            expires: row
              .case()
              .when('grant.expires', '<', row.ref('excluded.expires'))
              .then(row.ref('excluded.expires'))
              .else(row.ref('grant.expires'))
              .end(),
          }))
          .where('grant.revoked', 'is', null),
      )
      .returning('grant_id'),
  )
  const insertPushed = statement((values: PushedRequest) =>
    db.insertInto('par').values(rowOf(values, columns.par)),
  )
  const takePushed = statement((values: { digest: string; now: number }) =>
    db
      .deleteFrom('par')
      .where('digest', '=', values.digest)
      .where('expires', '>', values.now)
      .returning(columns.par),
  )

  function* issuing({ consumes, grant, refresh_token, now }: Issue): Steps<true> {
    if (consumes !== undefined) yield* spending(consumes, now)
    if (grant !== undefined) yield* run(insertGrant, grantRow(grant))
    if (refresh_token !== undefined) yield* run(insertToken, tokenRow(refresh_token))
    return true
  }

  /** Throws, so that nothing of the transaction stands, where there is nothing left to spend. */
  function* spending(consumes: Consumption, now: number): Steps<void> {
    const [spent] =
      'refresh_token' in consumes
        ? yield* run(spendToken, { digest: consumes.refresh_token, now })
        : 'code' in consumes
          ? yield* run(spendCode, { digest: consumes.code, now })
          : yield* run(remember, {
              digest: replayDigest('jti', consumes.jti),
              expires: wholeMoment(consumes.expires),
              now,
            })
    if (spent === undefined) throw new Conflict()
  }

  return {
    async findRefreshToken(digest) {
      const [row] = await engine.ask(findToken, { digest })
      return row === undefined ? undefined : foundToken(row)
    },
    async findGrant(grant_id) {
      const [row] = await engine.ask(findGrant, { grant_id })
      return row === undefined ? undefined : grantOf(row)
    },
    async isGrantRevoked(grant_id) {
      const [row] = await engine.ask(findGrant, { grant_id })
      return row !== undefined && row.revoked !== null
    },
    async findCode(digest) {
      const [row] = await engine.ask(findCode, { digest })
      return row === undefined ? undefined : codeOf(row)
    },
    async commitIssue(issue) {
      // What nothing must remember costs nothing.
      if (!issue.consumes && !issue.grant && !issue.refresh_token) return true
      return unlessConflict(engine.commit(() => issuing(issue)))
    },
    async revokeGrant(grant_id, now, expires) {
      const [revoked] = await engine.write(revoke, { grant_id, now, expires })
      return revoked !== undefined
    },
    async insertCode(code) {
      await engine.write(insertCode, codeRow(code))
    },
    async insertPushedRequest(request) {
      await engine.write(insertPushed, request)
    },
    async takePushedRequest(digest, now) {
      const [request] = await engine.write(takePushed, { digest, now })
      return request
    },
    async seen(key, expires, now) {
      const [first] = await engine.write(remember, {
        digest: replayDigest('seen', key),
        expires: wholeMoment(expires),
        now,
      })
      return first === undefined
    },
  }
}

export interface Spending {
  digest: string
  now: number
}

/** The rule of single use, in one conditional statement: of two that try, the second finds no row. */
export function spendRefreshToken(db: QueryCreator<Tables>, values: Spending) {
  return db
    .updateTable('refresh_token')
    .set({ used: values.now })
    .where('digest', '=', values.digest)
    .where('used', 'is', null)
    .where('expires', '>', values.now)
    .where((on) =>
      on.exists(
        on
          .selectFrom('grant')
          .select('grant.grant_id')
          .whereRef('grant.grant_id', '=', 'refresh_token.grant_id')
          .where('grant.revoked', 'is', null)
          .where('grant.expires', '>', values.now),
      ),
    )
    .returning('grant_id')
}

/** An assertion's `exp` may have a fraction, which PostgreSQL's bigint has not. Never earlier than it says. */
function wholeMoment(expires: number): number {
  return Math.ceil(expires)
}

/** False where a constraint or the single use said no. */
export async function unlessConflict(outcome: Promise<boolean>): Promise<boolean> {
  try {
    return await outcome
  } catch (error) {
    if (error instanceof Conflict) return false
    throw error
  }
}

function grantRow(grant: Grant): GrantRow {
  return {
    ...grant,
    resources: JSON.stringify(grant.resources),
    revoked: grant.revoked ?? null,
  }
}

/** Undefined for the mere memory that an unstored grant was revoked. */
function grantOf(row: GrantRow): Grant | undefined {
  const { grant_id, client_id, sub, scope, resources, claims, created, expires } = row
  if (client_id === null || sub === null || scope === null) return undefined
  if (resources === null || claims === null) return undefined
  return {
    grant_id,
    client_id,
    sub,
    scope,
    resources: parseStrings(resources),
    claims,
    created,
    expires,
    revoked: row.revoked ?? undefined,
  }
}

function tokenRow(token: RefreshToken): RefreshTokenRow {
  return { ...token, used: token.used ?? null }
}

function foundToken(
  row: GrantRow & {
    digest: string
    token_created: number
    token_expires: number
    used: number | null
  },
): FoundRefreshToken | undefined {
  const grant = grantOf(row)
  if (grant === undefined) return undefined
  return {
    digest: row.digest,
    grant_id: row.grant_id,
    created: row.token_created,
    expires: row.token_expires,
    used: row.used ?? undefined,
    grant,
  }
}

function codeRow(code: FoundCode): CodeRow {
  return {
    ...code,
    resources: JSON.stringify(code.resources),
    nonce: code.nonce ?? null,
    used: code.used ?? null,
  }
}

function codeOf(row: CodeRow): FoundCode {
  return {
    ...row,
    resources: parseStrings(row.resources),
    nonce: row.nonce ?? undefined,
    used: row.used ?? undefined,
  }
}
