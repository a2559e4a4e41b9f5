import { SetupError } from '../error/setup-error'
import { type Authorities, noAuthorities, type Refusal, sortAuthorities } from './authorities'
import type { Certificate } from './certificate'
import type { Crl } from './crl'
import { type OcspPolicy, openResponders, type Responders } from './ocsp'
import { type CrlPolicy, type CrlsByCa, crlOf, sortCrls } from './revocation'
import {
  noTrustFiles,
  readTrustFiles,
  type TrustFiles,
  type TruststoreSettings,
} from './trust-files'

export type { TruststoreSettings } from './trust-files'

/**
 * Whom chains are believed from. A set is never changed: a reload or a registration makes a new one,
 * whole, with a new epoch; every judgement takes the set of its moment, whatever the connection was
 * opened under.
 */
export interface Trust {
  /** Moves with every change of anchors, CRLs or policy. */
  readonly epoch: number
  readonly set: TrustSet
  /** CAs at which a chain may end. */
  readonly anchors: readonly Certificate[]
  /** What stands in the store and is not believed, and why. */
  readonly refused: readonly Refusal[]
  readonly crls: readonly Crl[]
  /** The files it is read from, for those who watch them. */
  readonly files: readonly string[]
  /**
   * Reads the files again and swaps the set, whole. Throws `SetupError` when anything in them is
   * wrong; the old set stays then.
   */
  reload(): Promise<void>
  /**
   * The first half of `reload`: reads and judges; the function that it gives swaps. By other settings,
   * where `next` has some or none.
   */
  prepareReload(next?: { settings: TruststoreSettings | undefined }): Promise<() => void>
  /**
   * Tells which certificates are registered for clients: one that stands in the store as well is a
   * pin, never an anchor. Until this was called there are no anchors at all, since any of them might
   * be a client's.
   */
  setRegistered(thumbprints: ReadonlySet<string>): void
  /** For `https.createServer` and `setSecureContext`. */
  tlsOptions(): { ca: string[] }
  /** Called after each change of the set; gives a function that ends it. */
  onChange(listener: () => void): () => void
  /** What will lock clients out soon, or does so already, for `/health`. */
  warnings(now: number): readonly TrustWarning[]
}

export interface TrustSet {
  readonly epoch: number
  readonly authorities: Authorities
  /** Thumbprints of all that stands in the store, anchor or not. */
  readonly entries: ReadonlySet<string>
  readonly crls: CrlsByCa
  readonly crlPolicy: CrlPolicy
  readonly ocsp: OcspPolicy
  readonly responders: Responders
  /** A registered certificate must also be in the store, or chain to it. */
  readonly checkRegistered: boolean
}

export interface TrustWarning {
  readonly reason: 'crl_missing' | 'crl_expired' | 'crl_ending' | 'anchor_expired' | 'anchor_ending'
  /** The CA's subject. */
  readonly what: string
  /** When it ends or ended, milliseconds since 1970; now for what is missing. */
  readonly at: number
}

/**
 * Opens the trust set of `[truststore]`; without settings nobody is believed by a chain, only
 * certificates registered for a client are. Throws `SetupError` naming the file and what to do.
 *
 * @example
 * const trust = await openTrust({ file_name: 'certs/client-truststore.pem', crl_file_names: ['ca.crl'] })
 * await trust.reload()
 */
export async function openTrust(settings?: TruststoreSettings): Promise<Trust> {
  const listeners = new Set<() => void>()
  let inForce = settings
  let files = await readFiles(settings)
  let registered: ReadonlySet<string> | undefined
  let current = buildSet(1, files, registered, settings)
  let readings = 0
  let latest = 0

  const swap = (next: ReturnType<typeof buildSet>) => {
    current = next
    for (const listener of listeners) listener()
  }
  const prepareReload: Trust['prepareReload'] = async (next = { settings: inForce }) => {
    readings += 1
    const reading = readings
    const read = await readFiles(next.settings)
    return () => {
      // The set of a slow, older reading must not replace a newer one.
      if (reading < latest) return
      latest = reading
      inForce = next.settings
      files = read
      swap(buildSet(current.set.epoch + 1, files, registered, inForce))
    }
  }

  return {
    get epoch() {
      return current.set.epoch
    },
    get set() {
      return current.set
    },
    get anchors() {
      return current.set.authorities.anchors
    },
    get refused() {
      return current.refused
    },
    get crls() {
      return files.crls
    },
    get files() {
      return inForce === undefined ? [] : [inForce.file_name, ...(inForce.crl_file_names ?? [])]
    },
    prepareReload,
    async reload() {
      const bringIntoForce = await prepareReload()
      bringIntoForce()
    },
    setRegistered(thumbprints) {
      registered = new Set(thumbprints)
      const next = buildSet(current.set.epoch + 1, files, registered, inForce)
      if (!sameAuthorities(current.set.authorities, next.set.authorities)) swap(next)
      else current = { set: current.set, refused: next.refused }
    },
    // No anchor is given to OpenSSL. Its verdict isn't used (see `pathsOf`); each anchor's name would
    // be sent to every caller; and Java, Go and browsers show no certificate whose CA isn't named, so
    // that a client registered by its own certificate would be locked out by the CA of another one.
    // An empty list is not an absent one, which would mean Node's default roots.
    tlsOptions: () => ({ ca: [] }),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    warnings: (now) => warningsOf(current.set, now),
  }
}

async function readFiles(settings: TruststoreSettings | undefined): Promise<TrustFiles> {
  if (settings === undefined) return noTrustFiles
  refuseUnknown(settings)
  return readTrustFiles(settings)
}

function buildSet(
  epoch: number,
  { entries, crls, refused }: TrustFiles,
  registered: ReadonlySet<string> | undefined,
  settings: TruststoreSettings | undefined,
): { set: TrustSet; refused: readonly Refusal[] } {
  const sorted =
    registered === undefined
      ? { ...noAuthorities, refused: [] }
      : sortAuthorities(entries, registered)
  const { refused: unfit, ...authorities } = sorted
  return {
    set: Object.freeze({
      epoch,
      authorities,
      entries: new Set(entries.map(({ thumbprint }) => thumbprint)),
      crls: sortCrls(crls, [...authorities.anchors, ...authorities.intermediates]),
      crlPolicy: settings?.crl_policy ?? 'if-present',
      ocsp: settings?.ocsp ?? 'off',
      responders: openResponders(),
      checkRegistered: settings?.check_registered ?? false,
    }),
    refused: [...refused, ...unfit],
  }
}

function sameAuthorities(one: Authorities, other: Authorities): boolean {
  const thumbprints = ({ anchors, intermediates }: Authorities) =>
    [...anchors, ...intermediates].map(({ thumbprint }) => thumbprint).join()
  return thumbprints(one) === thumbprints(other)
}

const day = 86_400_000

function warningsOf({ authorities, crls, crlPolicy }: TrustSet, now: number): TrustWarning[] {
  const warnings: TrustWarning[] = []
  for (const ca of [...authorities.anchors, ...authorities.intermediates]) {
    const { subject: what, notAfter } = ca
    if (notAfter - now < 30 * day) {
      warnings.push({
        reason: notAfter < now ? 'anchor_expired' : 'anchor_ending',
        what,
        at: notAfter,
      })
    }
    const crl = crlOf(ca, crls)
    if (crl === undefined) {
      if (crlPolicy === 'required') warnings.push({ reason: 'crl_missing', what, at: now })
      continue
    }
    const { thisUpdate, nextUpdate: at } = crl
    if (now >= at) warnings.push({ reason: 'crl_expired', what, at })
    // The last quarter of a list's life: late enough not to cry wolf, early enough to fetch the next.
    else if (at - now < (at - thisUpdate) / 4) warnings.push({ reason: 'crl_ending', what, at })
  }
  return warnings
}

const knownKeys: ReadonlySet<string> = new Set<keyof TruststoreSettings>([
  'file_name',
  'password',
  'password_file',
  'password_env',
  'crl_file_names',
  'crl_policy',
  'ocsp',
  'check_registered',
])

/** A misspelt `crl_policy` must not quietly mean the default. */
function refuseUnknown(settings: TruststoreSettings): void {
  const unknown = Object.keys(settings).find((key) => !knownKeys.has(key))
  if (unknown === undefined) return
  throw new SetupError(
    `"${unknown}" is not an option of the truststore.`,
    `Known are ${[...knownKeys].join(', ')}.`,
    { key: ['truststore', unknown] },
  )
}
