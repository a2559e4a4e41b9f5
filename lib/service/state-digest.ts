import { createHash } from 'node:crypto'
import type { ProcessState } from './process-state'
import type { Served } from './served'

/** Equal in two processes that serve with the same certificate and chain and believe the same others. */
export function stateDigest({ trust, chainDigest }: Served, { certificate }: ProcessState): string {
  const hash = createHash('sha256').update(certificate.cert).update(chainDigest)
  const { entries, crlPolicy, ocsp, checkRegistered } = trust.set
  hash.update(JSON.stringify([crlPolicy, ocsp, checkRegistered]))
  for (const thumbprint of [...entries].sort()) hash.update(thumbprint)
  for (const { signed } of trust.crls) hash.update(signed.signature.whole)
  return hash.digest('base64url')
}
