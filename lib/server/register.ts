import type { Presented } from '../certificate/presented'
import { clientOf, matchSecret } from '../client/client'
import type { ClientRecord } from '../client/client-store'
import { invalidMetadata } from '../client/invalid'
import type { PublicClient } from '../client/metadata'
import { decoyDigest, sameDigest } from '../client/secret'
import { OAuthError } from '../error/oauth-error'
import type { RequestFacts } from '../plugin/events'
import { checkBinding } from '../token/binding'
import { digestOpaque, newOpaqueToken } from '../token/opaque'
import { invalidToken } from '../token/verify'
import { endpointAt } from './address'
import { isActive, recogniseToken } from './known-token'
import type { Parts } from './parts'
import { readRequestedMetadata } from './requested-metadata'

/**
 * Registration over HTTP (RFC 7591) and what a client may do with its own registration (RFC 7592). Off
 * unless `[oauth.dcr]` turns it on: then there is no such endpoint.
 *
 * One stolen word is never enough here either. Who registers shows an access token with the scope
 * `client:register`, bound to the certificate shown with it; who manages shows the registration access
 * token **and** the certificate it was registered with, or the client's own.
 */
export interface RegistrationCall {
  /** Of the Authorization header. */
  token: string
  presented: Presented | undefined
  facts: RequestFacts
}

type Needs = Pick<
  Parts,
  | 'issuer'
  | 'path'
  | 'registration'
  | 'registry'
  | 'keys'
  | 'judge'
  | 'clients'
  | 'accounts'
  | 'tokens'
  | 'clock'
  | 'log'
>

/** What is answered of a registered client (RFC 7591 section 3.2.1). */
export type RegistrationAnswer = Readonly<Record<string, unknown>>

/** Throws `OAuthError` 404 where registration is off. */
export function refuseWhileOff({ registration }: Pick<Parts, 'registration'>): void {
  if (registration.enable) return
  throw new OAuthError('invalid_request', {
    reason: 'registration_off',
    status: 404,
    description: 'There is no such endpoint.',
  })
}

/** The client that may register others. Throws `invalid_token` or `insufficient_scope`. */
export async function authorizeRegistration(parts: Needs, call: RegistrationCall): Promise<string> {
  const token = await recogniseToken(parts, call.token)
  if (token?.kind !== 'access' || !(await isActive(parts, token))) {
    throw invalidToken('token_revoked')
  }
  const { aud, cnf, scope = '' } = token.claims
  if (![aud].flat().includes(parts.issuer)) throw invalidToken('token_audience')
  checkBinding(cnf, call.presented?.thumbprint, 'required')
  if (!scope.split(' ').includes(registrationScope)) {
    throw new OAuthError('insufficient_scope', { reason: 'token_scope' })
  }
  return token.client_id
}

const registrationScope = 'client:register'

/** Throws `OAuthError`: `invalid_client_metadata`, `invalid_redirect_uri`, or that there is no room. */
export async function registerClient(
  parts: Needs,
  { presented, facts }: RegistrationCall,
  asked: Readonly<Record<string, unknown>>,
): Promise<RegistrationAnswer> {
  const metadata = readRequestedMetadata(parts, asked)
  const registration_access_token = newOpaqueToken()
  const by = {
    digest: digestOpaque(registration_access_token),
    thumbprint: presented?.thumbprint ?? '',
  }
  const registered = await parts.clients.register(metadata, by, parts.registration)
  if (registered.refused !== undefined) throw noRoom(registered.refused)
  const { client, client_secret } = registered
  parts.log.info('client.registered', { ...facts, registered: client.client_id })
  return answerOf(parts, client, { client_secret, registration_access_token })
}

/** The client that a registration access token stands for. Throws `invalid_token`, whatever is wrong. */
export async function findRegistration(
  parts: Needs,
  client_id: string,
  { token, presented }: RegistrationCall,
): Promise<ClientRecord> {
  const record = await parts.clients.find(client_id)
  const digest = record?.registration?.digest ?? decoyDigest
  if (!sameDigest(digestOpaque(token), digest) || record === undefined || record.disabled) {
    throw invalidToken('registration_token')
  }
  const isRegistrar = presented?.thumbprint === record.registration?.thumbprint
  if (!isRegistrar && !(await isOwnCertificate(parts, record, presented))) {
    throw invalidToken('token_bound_to_another_certificate')
  }
  return record
}

/** A client that has no certificate can show none; then the token is all that it has. */
async function isOwnCertificate(
  { judge }: Needs,
  record: ClientRecord,
  presented: Presented | undefined,
): Promise<boolean> {
  if (record.certificates.length === 0 && record.tls_identity === undefined) return true
  const verdict = await clientOf(record, judge).judgeCertificate(presented?.facts)
  return verdict.accepted
}

/** RFC 7592 section 2.1. */
export async function readRegistration(
  parts: Needs,
  { client_id }: ClientRecord,
  { token }: RegistrationCall,
): Promise<RegistrationAnswer> {
  const client = await parts.clients.get(client_id)
  if (client === undefined) throw invalidToken('registration_token')
  return answerOf(parts, client, { registration_access_token: token })
}

/** RFC 7592 section 2.2: what is sent takes the place of what was. Throws `invalid_client_metadata`. */
export async function replaceRegistration(
  parts: Needs,
  record: ClientRecord,
  { token, facts }: RegistrationCall,
  { client_id, client_secret, certificates: _, ...asked }: Readonly<Record<string, unknown>>,
): Promise<RegistrationAnswer> {
  if (client_id !== record.client_id) throw invalidMetadata('client_id: must be the client’s own.')
  if (client_secret !== undefined && !isSecretOf(record, client_secret)) {
    throw invalidMetadata('client_secret: can’t be chosen here.')
  }
  const metadata = readRequestedMetadata(parts, asked)
  const changed = await parts.clients.replace(record.client_id, metadata)
  if (changed === undefined) throw invalidToken('registration_token')
  parts.log.info('client.changed', { ...facts })
  const { client } = changed
  return answerOf(parts, client, {
    client_secret: changed.client_secret,
    registration_access_token: token,
  })
}

function isSecretOf(record: ClientRecord, client_secret: unknown): boolean {
  return typeof client_secret === 'string' && matchSecret(record, client_secret) !== undefined
}

/** RFC 7592 section 2.3: with the client end its grants and tokens. */
export async function removeRegistration(
  { clients, log }: Needs,
  { client_id }: ClientRecord,
  { facts }: RegistrationCall,
): Promise<void> {
  await clients.remove(client_id)
  log.info('client.removed', { ...facts })
}

function noRoom(refused: 'taken' | 'too_many' | 'too_many_lately'): OAuthError {
  const lately = refused === 'too_many_lately'
  return new OAuthError(lately ? 'temporarily_unavailable' : 'access_denied', {
    reason: 'registration_limit',
    status: lately ? 429 : 403,
    description: lately
      ? 'Too many clients were registered within an hour. Try again later.'
      : 'No more clients can be registered.',
    ...(lately && { headers: { 'retry-after': '3600' } }),
  })
}

function answerOf(
  { issuer, path }: Needs,
  { disabled: _, secrets: __, ...client }: PublicClient,
  given: { client_secret?: string | undefined; registration_access_token: string },
): RegistrationAnswer {
  const { client_secret, registration_access_token } = given
  return {
    ...client,
    ...(client_secret === undefined ? {} : { client_secret, client_secret_expires_at: 0 }),
    response_types: client.grant_types.includes('authorization_code') ? ['code'] : [],
    tls_client_certificate_bound_access_tokens: true,
    registration_access_token,
    registration_client_uri: `${endpointAt(issuer, path, 'register')}/${encodeURIComponent(client.client_id)}`,
  }
}
