import { createHash } from 'node:crypto'

/**
 * What may come once only is remembered by a digest: of one length whatever was presented, nothing
 * of it in the database. The two kinds can't be taken for each other (CVE-2026-4282: one store for
 * several kinds of single use, without names to keep them apart).
 */
export function replayDigest(kind: 'jti' | 'seen', key: string): string {
  return createHash('sha256').update(kind).update('\0').update(key).digest('base64url')
}
