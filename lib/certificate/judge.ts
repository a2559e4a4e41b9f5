import { timingSafeEqual } from 'node:crypto'
import type { RejectionReason } from '../error/reasons'
import { strongHashes } from './algorithm'
import { isSelfSigned } from './authorities'
import { type Certificate, readCertificate } from './certificate'
import { issuersOf, type Path, pathsOf } from './chain'
import { purposeIds } from './extensions'
import { bearsName, type RegisteredIdentity } from './match'
import type { Presented } from './presented'
import { isStrong } from './public-key'
import { crlVerdict } from './revocation'
import { thumbprintOf } from './thumbprint'
import type { Trust, TrustSet } from './trust'

/** What is registered for a client, as far as certificates are concerned. */
export interface JudgedClient {
  readonly certificates: readonly { readonly thumbprint: string }[]
  readonly tls_identity: RegisteredIdentity | undefined
}

/**
 * Whether what was presented is what is registered for this client, good now: undefined, or the first
 * reason why not, in the order of the interface. Judged for each request, so that what expires, is
 * revoked or loses its CA on an open connection is out with the next one. Waits only for OCSP.
 *
 * Two ways lead in. A registered certificate is believed for itself: exactly this one, whatever
 * signed it. A registered name is believed under the CA that it is registered with, and no other
 * (RFC 8705 section 7.4). A chain alone lets nobody in.
 */
export function judgeCertificate(
  presented: Presented | undefined,
  client: JudgedClient,
  trust: Trust,
  now: number,
): RejectionReason | undefined | Promise<RejectionReason | undefined> {
  if (client.certificates.length === 0 && client.tls_identity === undefined) {
    return 'no_certificate_registered'
  }
  if (presented === undefined) return 'no_certificate_presented'
  const certificate = readable(presented)
  // What can't be read can be neither registered nor the end of a chain.
  if (certificate === undefined) return 'certificate_untrusted'
  const pinned = isPinned(presented.thumbprint, client)
  return (
    judgeItself(certificate, pinned, now) ??
    judgeUnder(trust, (set) => judgeStanding({ certificate, presented, client, pinned, now }, set))
  )
}

/**
 * Whether the tokens of a client that is not asked for its certificate are bound to this one. Where
 * nobody says that the proxy verified it, it counts only when it is registered for the client or has a
 * chain that we build ourselves.
 */
export function countsForBinding(
  presented: Presented,
  client: JudgedClient,
  { set }: Pick<Trust, 'set'>,
  now: number,
): boolean {
  const pinned = isPinned(presented.thumbprint, client)
  if (presented.verified || pinned) return true
  const certificate = readable(presented)
  if (certificate === undefined) return false
  return bestPath({ certificate, presented, client, pinned, now }, set) !== undefined
}

/**
 * Why a certificate is of no use to anybody at this moment, whoever it may be registered for; undefined
 * when it is. For an app that has a registry of its own and compares thumbprints alone.
 */
export function uselessness(presented: Presented, now: number): RejectionReason | undefined {
  const certificate = readable(presented)
  return certificate === undefined ? 'certificate_untrusted' : judgeItself(certificate, true, now)
}

/** What the certificate says of itself. */
function judgeItself(
  certificate: Certificate,
  pinned: boolean,
  now: number,
): RejectionReason | undefined {
  if (now > certificate.notAfter) return 'certificate_expired'
  if (now < certificate.notBefore) return 'certificate_not_yet_valid'
  if (certificate.isCa && !pinned) return 'certificate_is_ca'
  if (!mayAuthenticateClients(certificate)) return 'certificate_purpose'
  if (!isStrong(certificate.key) || !strongHashes.has(certificate.signatureHash ?? '')) {
    return 'certificate_weak'
  }
  return undefined
}

/** Absent, or with client authentication in it; `any` is not enough, as in OpenSSL. */
function mayAuthenticateClients({ purposes, keyUsage }: Certificate): boolean {
  return (
    (purposes === undefined || purposes.includes(purposeIds.clientAuth)) &&
    (keyUsage === undefined || keyUsage.has('digitalSignature') || keyUsage.has('keyAgreement'))
  )
}

/** All pins are compared, each in constant time. */
function isPinned(thumbprint: string, { certificates }: JudgedClient): boolean {
  const shown = Buffer.from(thumbprint)
  let pinned = false
  for (const registered of certificates) {
    const wanted = Buffer.from(registered.thumbprint)
    if (wanted.length === shown.length && timingSafeEqual(wanted, shown)) pinned = true
  }
  return pinned
}

/**
 * A verdict that took time holds only for the set it was given under: when that was swapped meanwhile
 * it is given again, and after a few times refused.
 */
function judgeUnder(
  trust: Trust,
  judge: (set: TrustSet) => Verdict | Promise<Verdict>,
  tries = 3,
): Verdict | Promise<Verdict> {
  const { set } = trust
  const verdict = judge(set)
  if (!(verdict instanceof Promise)) return verdict
  return verdict.then((reason) => {
    if (reason !== undefined || trust.set === set) return reason
    return tries > 1 ? judgeUnder(trust, judge, tries - 1) : 'trust_epoch'
  })
}

type Verdict = RejectionReason | undefined

interface Case {
  readonly certificate: Certificate
  readonly presented: Presented
  readonly client: JudgedClient
  /** One of the client's registered certificates. */
  readonly pinned: boolean
  readonly now: number
}

/** What others say of it: revocation, trust, match. */
function judgeStanding(shown: Case, set: TrustSet): Verdict | Promise<Verdict> {
  const { certificate, pinned, now } = shown
  if (pinned && !set.checkRegistered && !checksRevocation(set))
    return trustAndMatch(shown, undefined, set)
  const path = bestPath(shown, set)
  // A pin needs no chain, yet the CA that signed it may have revoked it, were that CA's own time over.
  const lines: readonly Path[] =
    path === undefined
      ? issuersOf(certificate, set.authorities).map((issuer) => [certificate, issuer])
      : [path]
  if (pinned && lines.length === 0 && mustBeChecked(certificate, set)) return 'crl_expired'
  for (const line of lines) {
    const revoked = crlVerdict(line, set.crls, set.crlPolicy, now)
    if (revoked !== undefined) return revoked
  }
  const answer = set.responders.verdict(lines, set.ocsp, now)
  return answer instanceof Promise
    ? answer.then((reason) => reason ?? trustAndMatch(shown, path, set))
    : (answer ?? trustAndMatch(shown, path, set))
}

function checksRevocation({ crls, crlPolicy, ocsp }: TrustSet): boolean {
  return crls.size > 0 || crlPolicy === 'required' || ocsp !== 'off'
}

/**
 * Where a word on revocation is demanded, silence refuses: otherwise a revoked client would only have
 * to leave out the intermediate certificate that leads to it. Nobody revokes what signed itself.
 */
function mustBeChecked(certificate: Certificate, { crlPolicy, ocsp }: TrustSet): boolean {
  const isDemanded =
    crlPolicy === 'required' || (ocsp === 'hard' && certificate.ocspUrls.length > 0)
  return isDemanded && !isSelfSigned(certificate)
}

function trustAndMatch(
  { certificate, client, pinned }: Case,
  path: Path | undefined,
  set: TrustSet,
): Verdict {
  // RFC 5280 section 4.2: a critical extension that is not understood means refusal.
  if (certificate.unknownCritical.length > 0) return 'certificate_untrusted'
  if (pinned) {
    const isIn = set.entries.has(certificate.thumbprint) || path !== undefined
    return isIn || !set.checkRegistered ? undefined : 'certificate_untrusted'
  }
  if (path === undefined) return 'certificate_untrusted'
  const { tls_identity } = client
  const matches =
    tls_identity !== undefined &&
    isUnder(path, tls_identity, set) &&
    bearsName(certificate, tls_identity)
  return matches ? undefined : 'certificate_mismatch'
}

/** Whether the CA that the name is registered under stands in the chain itself. */
function isUnder(path: Path, { issuer }: RegisteredIdentity, { authorities }: TrustSet): boolean {
  const [only, ...others] = authorities.anchors
  const named = issuer ?? (others.length === 0 ? only?.thumbprint : undefined)
  return named !== undefined && path.slice(1).some(({ thumbprint }) => thumbprint === named)
}

/** Of the chains to the truststore the one that serves the client best, if there is any. */
function bestPath({ certificate, presented, client, now }: Case, set: TrustSet): Path | undefined {
  if (set.authorities.anchors.length === 0) return undefined
  const serves = (path: Path) =>
    (client.tls_identity !== undefined && isUnder(path, client.tls_identity, set) ? 2 : 0) +
    (crlVerdict(path, set.crls, set.crlPolicy, now) === undefined ? 1 : 0)
  let best: Path | undefined
  for (const path of pathsOf(certificate, intermediatesOf(presented), set.authorities, now)) {
    if (best === undefined || serves(path) > serves(best)) best = path
    if (serves(best) === 3) break
  }
  return best
}

function intermediatesOf(presented: Presented): Certificate[] {
  return presented.chain().flatMap((der) => {
    try {
      return [readCertificate(der, thumbprintOf(der))]
    } catch {
      return []
    }
  })
}

function readable(presented: Presented): Certificate | undefined {
  try {
    return presented.certificate()
  } catch {
    return undefined
  }
}
