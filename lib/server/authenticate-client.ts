import { countsForBinding } from '../certificate/judge'
import type { Presented } from '../certificate/presented'
import { type Client, clientOf, decoyClient, matchSecret } from '../client/client'
import type { ClientRecord, MaybePromise } from '../client/client-store'
import { isThenable } from '../client/maybe-promise'
import { accepted, isVerdict, rejected, type Verdict } from '../client/verdict'
import { OAuthError } from '../error/oauth-error'
import { type RejectionReason, rejectionReasons } from '../error/reasons'
import type { NamedClientAuth, Registry } from '../plugin/registry'
import type { TokenRequest } from '../plugin/token-request'
import { callHandler, tellFailure } from './call-handler'
import type { Parts } from './parts'
import type { Guess } from './throttle'
import type { Received } from './token-request'

/**
 * Who is calling. Every handler that is on says which client it sees, in order; the client named must
 * be one; **its** registered method decides, and no other handler can speak for it. So the order of
 * handlers never changes what a client must show (WSO2 lets the secret alone pass when its Basic
 * handler comes first).
 *
 * Each refusal is one and the same 401; an unknown or disabled client costs as much time as a known one.
 */
export interface Authenticated {
  readonly client: Client
  readonly verdict: Verdict
  /** The chain that authenticated it, with which the request finishes whatever is reloaded meanwhile. */
  readonly registry: Registry
  /** Of the certificate presented, what its tokens are bound to. */
  readonly presented: Presented | undefined
}

type Needs = Pick<
  Parts,
  'registry' | 'clients' | 'judge' | 'connections' | 'deadline' | 'throttle' | 'clock' | 'log'
>

/** Throws `OAuthError`: `invalid_client`, `invalid_request`, 429 for guessing, 503 when the store fails. */
export async function authenticateClient(parts: Needs, received: Received): Promise<Authenticated> {
  const { request } = received
  const { registry } = parts
  // By the handlers that are on, and before it is known whether there is such a client.
  if (
    received.from === 'query' &&
    !registry.clientAuths.some((handler) => mayStandThere(handler, received))
  ) {
    throw new OAuthError('invalid_request', { reason: 'secret_in_query' })
  }
  parts.connections.note(received.presented)
  const seen = recogniseClient(registry, request, parts.log)
  if (seen === undefined) throw invalidClient('no_client_id', received)
  const guess: Guess = { as: 'client', name: seen.client_id, facts: received.facts }
  const pending = parts.throttle.check(guess)
  if (pending !== undefined) await pending

  const found = findClient(parts, seen.client_id)
  const record = found instanceof Promise ? await found : found
  const usable = record !== undefined && !record.disabled
  const judged = usable ? record : decoyClient(seen.client_id, seen.by[0]?.name ?? '')
  const client = clientOf(judged, parts.judge)
  const handler = registry.clientAuth(client.token_endpoint_auth_method)
  const judgement =
    handler === undefined || !seen.by.includes(handler) || !mayStandThere(handler, received)
      ? rejected('method_not_allowed')
      : judgeClient(parts, handler, received, client)
  const verdict = judgement instanceof Promise ? await judgement : judgement

  if (!usable || !verdict.accepted) {
    await parts.throttle.failed(guess)
    const stale = parts.connections.isStale(received.presented, parts.clock.now())
    throw invalidClient(whyNot(record, verdict, received), received, stale)
  }
  parts.throttle.recheck(guess)
  rememberUse(parts.clients, record, request)
  const { would_be_refused } = verdict
  if (would_be_refused !== undefined) parts.clients.observed(record.client_id, would_be_refused)
  const counting = presentedFor(record, received, parts)
  const presented = counting instanceof Promise ? await counting : counting
  return { client, verdict, registry, presented }
}

function presentedFor(
  record: ClientRecord,
  { presented }: Received,
  { judge }: Pick<Parts, 'judge'>,
): MaybePromise<Presented | undefined> {
  return presented === undefined || presented.verified
    ? presented
    : whereItCounts(record, presented, judge)
}

async function whereItCounts(
  record: ClientRecord,
  presented: Presented,
  { trust, clock, refreshPins }: Parts['judge'],
): Promise<Presented | undefined> {
  await refreshPins()
  return countsForBinding(presented, record, trust, clock.now()) ? presented : undefined
}

/** A look-up that fails is no answer about the client: 503, never "unknown" or "no certificate". */
function findClient(
  { clients }: Pick<Parts, 'clients'>,
  client_id: string,
): MaybePromise<ClientRecord | undefined> {
  try {
    const found = clients.find(client_id)
    return found instanceof Promise ? found.catch(refuseLookUp) : found
  } catch (cause) {
    return refuseLookUp(cause)
  }
}

function refuseLookUp(cause: unknown): never {
  if (cause instanceof OAuthError) throw cause
  throw new OAuthError('temporarily_unavailable', { reason: 'store_failed', cause })
}

/** The client that a request names, believed or not: for the audit line. Throws as above. */
export function namedClient(
  { registry, log }: Pick<Parts, 'registry' | 'log'>,
  { request }: Received,
): string | undefined {
  return recogniseClient(registry, request, log)?.client_id
}

/** The one client that handlers see, and which of them see it. */
function recogniseClient(
  registry: Registry,
  request: TokenRequest,
  log: Parts['log'],
): { client_id: string; by: NamedClientAuth[] } | undefined {
  let client_id: string | undefined
  const by: NamedClientAuth[] = []
  for (const handler of registry.clientAuths) {
    const seen = recognise(handler, request, log)
    if (seen === undefined) continue
    client_id ??= seen
    // RFC 6749 section 2.3: one method per request, so its parts must all name the same client.
    if (seen !== client_id) throw new OAuthError('invalid_request', { reason: 'two_client_ids' })
    by.push(handler)
  }
  return client_id === undefined ? undefined : { client_id, by }
}

/** A handler that fails sees nobody; it can't stop the others from being asked. */
function recognise(
  handler: NamedClientAuth,
  request: TokenRequest,
  log: Parts['log'],
): string | undefined {
  const failed = (cause: unknown) => tellFailure(log, handler.name, 'recognise', cause)
  try {
    const seen: unknown = handler.recognise(request)
    if (typeof seen === 'string' && seen !== '') return seen
    if (isThenable(seen)) Promise.resolve(seen).then(() => failed('it must not wait'), failed)
  } catch (cause) {
    failed(cause)
  }
  return undefined
}

function mayStandThere({ secretInQuery }: NamedClientAuth, { from }: Received): boolean {
  return from !== 'query' || secretInQuery
}

/** The verdict of the client's own method. */
function judgeClient(
  parts: Pick<Parts, 'deadline' | 'log'>,
  handler: NamedClientAuth,
  { request }: Received,
  client: Client,
): MaybePromise<Verdict> {
  try {
    const verdict: MaybePromise<unknown> = callHandler(parts, handler.name, 'authenticate', () =>
      handler.authenticate(request, client),
    )
    return verdict instanceof Promise
      ? verdict.then((given) => readVerdict(parts, handler, given), notBelieved)
      : readVerdict(parts, handler, verdict)
  } catch (cause) {
    return notBelieved(cause)
  }
}

function readVerdict(
  { log }: Pick<Parts, 'log'>,
  { name }: NamedClientAuth,
  given: unknown,
): Verdict {
  if (isVerdict(given)) return named(name, given)
  tellFailure(log, name, 'authenticate', 'no verdict')
  return rejected('handler_failed')
}

/** A handler that fails has not let anybody in; a store that fails is no answer at all: 503. */
function notBelieved(cause: unknown): Verdict {
  if (cause instanceof OAuthError && failures.has(cause.reason)) return rejected(cause.reason)
  throw cause
}

const failures: ReadonlySet<string> = new Set(['handler_failed', 'handler_timeout'])

/** A plugin's own reason is named after the plugin, so that it can't be taken for one of ours. */
function named(handler: string, verdict: Verdict): Verdict {
  const { accepted: isIn, reason = verdict.would_be_refused } = verdict
  if (reason === undefined || ourReasons.has(reason)) return verdict
  const ours = `${handler}:${reason}`
  return isIn ? accepted({ would_be_refused: ours }) : rejected(ours)
}

const ourReasons: ReadonlySet<string> = new Set(rejectionReasons)

/** Where a certificate was shown and could not be believed, that is the reason for having none. */
function whyNot(
  record: ClientRecord | undefined,
  verdict: Verdict,
  { unread }: Received,
): RejectionReason {
  if (record === undefined) return 'unknown_client'
  if (record.disabled) return 'client_disabled'
  const reason = verdict.reason as RejectionReason
  return reason === 'no_certificate_presented' && unread !== undefined ? unread : reason
}

function rememberUse(
  clients: Parts['clients'],
  record: ClientRecord,
  { client_secret, certificate }: TokenRequest,
): void {
  const secret =
    record.secrets.length < 2 || client_secret === undefined
      ? record.secrets[0]
      : matchSecret(record, client_secret)
  clients.used(record.client_id, client_secret && secret?.digest, certificate?.thumbprint)
}

/** One answer for every failed authentication; the reason is the operator's. */
export function invalidClient(
  reason: RejectionReason,
  { request }: Received,
  stale = false,
): OAuthError {
  const headers = { ...challenge(request.headers), ...(stale ? { connection: 'close' } : {}) }
  return new OAuthError('invalid_client', { reason, headers })
}

/** RFC 6749 section 5.2: a challenge only for those who came with an Authorization header. */
function challenge(headers: TokenRequest['headers']): Record<string, string> {
  return headers.authorization === undefined ? {} : { 'www-authenticate': 'Basic realm="oauth2"' }
}
