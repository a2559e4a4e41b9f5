import type { Authorities } from './authorities'
import { isSelfIssued, unfitness } from './authorities'
import type { Certificate } from './certificate'
import { isSignedBy } from './signature'

/** A certificate, the CAs between, and the anchor at which it ends. */
export type Path = readonly [Certificate, ...Certificate[]]

/**
 * All chains from a certificate to an anchor (RFC 5280 section 6, with every CA's rights and dates),
 * the certificate's own dates and purpose apart, which are judged before.
 *
 * Why not OpenSSL's verdict: it is given once per handshake and never says *which* CA stood for the
 * certificate, which is what RFC 8705 section 7.4 needs; it knows nothing of a reload, and comes from
 * a proxy not at all. So the chain is built here in every case, one rule for all, and a test holds it
 * equal to OpenSSL's verdict over every certificate of the tests. It is stricter where OpenSSL knows
 * more: name constraints and unknown critical extensions are refused. OpenSSL checks the signatures.
 */
export function* pathsOf(
  certificate: Certificate,
  presented: readonly Certificate[],
  authorities: Authorities,
  now: number,
): Generator<Path> {
  const budget = { signatures: signaturesAtMost }
  yield* extend([certificate], presented, authorities, now, budget)
}

/** The CAs of the store that signed a certificate, whatever their dates. */
export function issuersOf(certificate: Certificate, { bySubject }: Authorities): Certificate[] {
  const named = bySubject.get(certificate.issuerName.canonical) ?? []
  return named.filter((issuer) => isSignedBy(certificate, issuer))
}

/** Certificates of a chain, anchor and leaf included. */
const pathAtMost = 8
/** Signatures that one certificate may make us check, whatever was presented beside it. */
const signaturesAtMost = 32

function* extend(
  path: Path,
  presented: readonly Certificate[],
  authorities: Authorities,
  now: number,
  budget: { signatures: number },
): Generator<Path> {
  const [last] = path.slice(-1)
  if (last === undefined || path.length >= pathAtMost) return
  const { canonical } = last.issuerName
  const candidates = [
    ...(authorities.bySubject.get(canonical) ?? []),
    ...presented.filter(({ subjectName }) => subjectName.canonical === canonical),
  ]
  // CAs below the next one that count for its path length: the self-issued don't.
  const below = path.slice(1).filter((ca) => !isSelfIssued(ca)).length
  for (const issuer of candidates) {
    if (path.some(({ thumbprint }) => thumbprint === issuer.thumbprint)) continue
    if (!mayIssue(issuer, below, now)) continue
    if (budget.signatures-- <= 0) return
    if (!isSignedBy(last, issuer)) continue
    const longer: Path = [...path, issuer]
    if (authorities.anchors.includes(issuer)) yield longer
    else yield* extend(longer, presented, authorities, now, budget)
  }
}

function mayIssue(issuer: Certificate, below: number, now: number): boolean {
  return (
    unfitness(issuer) === undefined &&
    now >= issuer.notBefore &&
    now <= issuer.notAfter &&
    (issuer.pathLength === undefined || issuer.pathLength >= below)
  )
}
