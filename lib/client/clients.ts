/**
 * The registered clients: found on every request, changed now and then. A found client is kept in
 * memory only as long as the store's version stands still, so a change by anybody is seen at once.
 */
import { boundedCache } from './cache'
import type { ClientRecord, ClientStore, MaybePromise, Registration } from './client-store'
import { usesSecret } from './credentials'
import { invalidMetadata } from './invalid'
import { clientMetadata, type PublicClient } from './metadata'
import {
  type ClientChange,
  type NewClient,
  newestSecret,
  prepareChange,
  prepareClient,
} from './new-client'
import { batchObservations, type ObservedStore } from './observed'
import { type CertificateInput, readCertificates, withinLimit } from './registered-certificate'
import { newSecret } from './secret'
import { batchUses } from './uses'

/** `[oauth.dcr]`: how many clients may be registered over HTTP. */
export interface RegistrationLimits {
  per_hour: number
  clients: number
}

export interface Clients {
  /** The record, for authentication; synchronous where the store is. */
  find(client_id: string): MaybePromise<ClientRecord | undefined>
  get(client_id: string): Promise<PublicClient | undefined>
  /** All clients, oldest first. */
  list(): Promise<PublicClient[]>
  /**
   * Registers a client. Its secret exists only in this answer, and not at all for a method without.
   * Rejects with `invalid_client_metadata` or `invalid_redirect_uri`.
   *
   * @example
   * const { client, client_secret } = await clients.create({
   *   client_name: 'billing', scope: 'invoices:read', certificate: await readFile('billing.pem') })
   */
  create(client: NewClient): Promise<{ client: PublicClient; client_secret: string | undefined }>
  /**
   * The same for a client that is registered over HTTP, as long as there is room; `refused` says why not.
   */
  register(
    client: NewClient,
    by: Registration,
    limits: RegistrationLimits,
  ): Promise<
    | { client: PublicClient; client_secret: string | undefined; refused?: undefined }
    | { refused: 'taken' | 'too_many' | 'too_many_lately' }
  >
  /**
   * Puts other metadata in the place of a client's own; a secret is answered where the new method needs
   * one and there was none. Rejects as `create`; answers undefined when there is no such client.
   */
  replace(
    client_id: string,
    metadata: ClientChange,
  ): Promise<{ client: PublicClient; client_secret: string | undefined } | undefined>
  /**
   * Gives a new secret. The old one works for `overlap` seconds more, or no longer. Like all that
   * follow, it answers undefined when there is no such client.
   */
  rotateSecret(
    client_id: string,
    options?: { overlap?: number },
  ): Promise<{ client: PublicClient; client_secret: string } | undefined>
  /** The client needs its certificate from then on, even if it was registered without. */
  addCertificate(
    client_id: string,
    certificate: CertificateInput,
  ): Promise<PublicClient | undefined>
  /** By `x5t#S256`. A client whose last certificate is gone is locked. */
  removeCertificate(client_id: string, thumbprint: string): Promise<PublicClient | undefined>
  disable(client_id: string): Promise<PublicClient | undefined>
  enable(client_id: string): Promise<PublicClient | undefined>
  /** Removes the client with its grants and tokens. */
  remove(client_id: string): Promise<PublicClient | undefined>
  /** Notes that a secret or certificate was used; costs no write and never fails. */
  used(client_id: string, digest?: string, thumbprint?: string): void
  /** Notes that a client got in only because its handler observes; costs no write and never fails. */
  observed(client_id: string, reason: string): void
  /** Writes what is still noted of uses and observations. */
  close(): Promise<void>
}

/** Clients kept in memory. */
const cached = 10_000
const flushEvery = 5_000
const hour = 3_600_000

/** The clients of a store. */
export function openClients(store: ClientStore & ObservedStore, clock: { now(): number }): Clients {
  const cache = boundedCache<ClientRecord>(cached)
  const uses = batchUses(store, clock, flushEvery)
  const observations = batchObservations(store, clock, flushEvery)
  let cacheVersion: number | undefined

  return {
    find,
    get,
    list,
    create,
    register,
    replace,
    rotateSecret,
    addCertificate,
    removeCertificate,
    disable: (client_id) => change(client_id, (record) => ({ ...record, disabled: true })),
    enable: (client_id) => change(client_id, (record) => ({ ...record, disabled: false })),
    remove,
    used: uses.note,
    observed: observations.note,
    async close() {
      await uses.flush()
      await observations.flush()
    },
  }

  function find(client_id: string): MaybePromise<ClientRecord | undefined> {
    const version = store.version()
    if (typeof version === 'number') return findAt(version, client_id)
    return version.then((known) => findAt(known, client_id))
  }

  function findAt(version: number, client_id: string): MaybePromise<ClientRecord | undefined> {
    if (version !== cacheVersion) {
      cache.clear()
      cacheVersion = version
    }
    const hit = cache.get(client_id)
    if (hit !== undefined) return hit
    const found = store.findClient(client_id)
    if (found instanceof Promise) return found.then((record) => keep(version, record))
    return keep(version, found)
  }

  /** What was read under an older version than the cache's is answered but not kept. */
  function keep(version: number, record: ClientRecord | undefined): ClientRecord | undefined {
    if (record !== undefined && version === cacheVersion) cache.set(record.client_id, record)
    return record
  }

  async function get(client_id: string) {
    await uses.flush(client_id)
    const record = await store.findClient(client_id)
    return record && clientMetadata(record)
  }

  async function list() {
    await uses.flush()
    return (await store.listClients()).map(clientMetadata)
  }

  async function create(client: NewClient) {
    const { record, client_secret } = await prepareClient(client, clock.now())
    if (!(await store.insertClient(record))) throw invalidMetadata('client_id: is taken.')
    return { client: clientMetadata(record), client_secret }
  }

  async function register(client: NewClient, by: Registration, limits: RegistrationLimits) {
    const now = clock.now()
    const { record, client_secret } = await prepareClient(client, now)
    const registered = { ...record, registration: by }
    const { clients: all, per_hour: lately } = limits
    const refused = await store.insertRegistered(registered, { all, lately, since: now - hour })
    if (refused !== undefined) return { refused }
    return { client: clientMetadata(registered), client_secret }
  }

  async function replace(client_id: string, metadata: ClientChange) {
    const changed = await prepareChange(metadata, clock.now())
    let client_secret: string | undefined
    const client = await change(client_id, (record) => {
      const prepared = changed(record)
      client_secret = prepared.client_secret
      return prepared.record
    })
    return client && { client, client_secret }
  }

  async function rotateSecret(client_id: string, { overlap = 0 }: { overlap?: number } = {}) {
    checkOverlap(overlap)
    const client_secret = newSecret()
    const now = clock.now()
    const client = await change(client_id, (record) => {
      if (!usesSecret(record.token_endpoint_auth_method)) {
        throw invalidMetadata(`${record.token_endpoint_auth_method} has no secret to rotate.`)
      }
      const old = overlap > 0 ? record.secrets.slice(0, 1) : []
      const expires = now + overlap * 1000
      return {
        ...record,
        secrets: [
          newestSecret(client_secret, now),
          ...old.map((secret) => ({ ...secret, expires })),
        ],
      }
    })
    return client && { client, client_secret }
  }

  async function addCertificate(client_id: string, certificate: CertificateInput) {
    const added = readCertificates([certificate])
    return change(client_id, (record) => {
      const known = new Set(record.certificates.map(({ thumbprint }) => thumbprint))
      const fresh = added.filter(({ thumbprint }) => !known.has(thumbprint))
      return {
        ...record,
        without_certificate: false,
        certificates: withinLimit([...record.certificates, ...fresh]),
      }
    })
  }

  function removeCertificate(client_id: string, thumbprint: string) {
    return change(client_id, (record) => {
      const certificates = record.certificates.filter((kept) => kept.thumbprint !== thumbprint)
      if (certificates.length < record.certificates.length) return { ...record, certificates }
      throw invalidMetadata('The client has no certificate with this thumbprint.')
    })
  }

  async function remove(client_id: string) {
    const client = await get(client_id)
    return (await store.deleteClient(client_id)) ? client : undefined
  }

  async function change(client_id: string, changed: (record: ClientRecord) => ClientRecord) {
    const record = await store.changeClient(client_id, changed)
    return record && clientMetadata(record)
  }
}

const maxOverlap = 365 * 24 * 3600

function checkOverlap(seconds: number): void {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= maxOverlap) return
  throw invalidMetadata(`overlap: must be whole seconds, at most ${maxOverlap}.`)
}
