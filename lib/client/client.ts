import { judgeCertificate as judge } from '../certificate/judge'
import { type Presented, presentedBehind } from '../certificate/presented'
import type { Trust } from '../certificate/trust'
import type { RejectionReason } from '../error/reasons'
import type { ClientRecord, MaybePromise } from './client-store'
import { decoyDigest, digestSecret, sameDigest } from './secret'
import { accepted, rejected, type Verdict } from './verdict'

/**
 * A registered client as everybody but its store sees it: frozen, without digests, and able to judge
 * what was presented. Judging stands here once; handlers combine it, none of them compares anything.
 */
export interface Client {
  readonly client_id: string
  readonly client_name: string
  readonly token_endpoint_auth_method: string
  readonly grant_types: readonly string[]
  readonly scope: string
  readonly redirect_uris: readonly string[]
  readonly resources: readonly string[]
  readonly resource_server: string | undefined
  readonly jwks: string | undefined
  readonly withoutCertificate: boolean
  judgeSecret(secret: string | undefined): Promise<Verdict>
  judgeCertificate(facts: Presented['facts'] | undefined): Promise<Verdict>
}

/** What judging needs. `trust` is read at each judgement, since it may be reloaded. */
export interface Judge {
  readonly trust: Trust
  /** Looks up again which entries of the truststore are clients' own, if any of that changed. */
  readonly refreshPins: () => MaybePromise<void>
  readonly clock: { now(): number }
}

const clients = new WeakMap<ClientRecord, Client>()

/** The client of a record, made once for each record: a changed client is a new record. */
export function clientOf(record: ClientRecord, by: Judge): Client {
  let client = clients.get(record)
  if (client === undefined) {
    client = Object.freeze({
      client_id: record.client_id,
      client_name: record.client_name,
      token_endpoint_auth_method: record.token_endpoint_auth_method,
      grant_types: Object.freeze([...record.grant_types]),
      scope: record.scope,
      redirect_uris: Object.freeze([...record.redirect_uris]),
      resources: Object.freeze([...record.resources]),
      resource_server: record.resource_server,
      jwks: record.jwks,
      withoutCertificate: record.without_certificate,
      judgeSecret: (secret: string | undefined) => judgeSecret(record, secret, by.clock.now()),
      judgeCertificate: (facts: Presented['facts'] | undefined) =>
        judgeCertificate(record, facts, by),
    })
    clients.set(record, client)
  }
  return client
}

/**
 * The client that stands in for an unknown or disabled one: of the method that is offered first, at the
 * same cost, with a secret that nobody has. Its verdict is never asked for.
 */
export function decoyClient(client_id: string, token_endpoint_auth_method: string): ClientRecord {
  return {
    client_id,
    client_name: '',
    token_endpoint_auth_method,
    grant_types: [],
    scope: '',
    redirect_uris: [],
    resources: [],
    resource_server: undefined,
    jwks: undefined,
    without_certificate: false,
    tls_identity: undefined,
    registration: undefined,
    disabled: true,
    created: 0,
    secrets: [{ digest: decoyDigest, created: 0, expires: undefined, last_used: undefined }],
    certificates: [],
  }
}

function judgeSecret(
  record: ClientRecord,
  secret: string | undefined,
  now: number,
): Promise<Verdict> {
  if (secret === undefined || secret === '') return noSecret
  const match = matchSecret(record, secret)
  if (match === undefined) return mismatch
  return match.expires !== undefined && match.expires <= now ? expired : good
}

/** The stored secret that `secret` is; all are compared, so that time tells nothing. */
export function matchSecret(
  record: ClientRecord,
  secret: string,
): ClientRecord['secrets'][number] | undefined {
  const digest = digestSecret(secret)
  let match: ClientRecord['secrets'][number] | undefined
  for (const stored of record.secrets) {
    if (sameDigest(digest, stored.digest)) match = stored
  }
  return match
}

function judgeCertificate(
  record: ClientRecord,
  facts: Presented['facts'] | undefined,
  by: Judge,
): Promise<Verdict> {
  // A chain is believed by what is an anchor now; a registered certificate needs no chain.
  const chained = record.tls_identity !== undefined || by.trust.set.checkRegistered
  const refreshed = chained ? by.refreshPins() : undefined
  if (refreshed instanceof Promise) return refreshed.then(() => judgeNow(record, facts, by))
  return judgeNow(record, facts, by)
}

function judgeNow(
  record: ClientRecord,
  facts: Presented['facts'] | undefined,
  { trust, clock }: Judge,
): Promise<Verdict> {
  // Facts that no certificate source made are no certificate.
  const reason = judge(presentedBehind(facts), record, trust, clock.now())
  return reason instanceof Promise ? reason.then(verdictOf) : verdictOf(reason)
}

function verdictOf(reason: RejectionReason | undefined): Promise<Verdict> {
  return reason === undefined ? good : Promise.resolve(rejected(reason))
}

// A handler may wait for a verdict like for any other promise; these are there already.
const good = Promise.resolve(accepted())
const noSecret = Promise.resolve(rejected('no_secret_presented'))
const mismatch = Promise.resolve(rejected('secret_mismatch'))
const expired = Promise.resolve(rejected('secret_expired'))
