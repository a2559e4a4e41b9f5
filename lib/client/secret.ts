/**
 * Client secrets: made here with 256 bits, kept only as SHA-256. A slow hash would add nothing to
 * 256 bits and let anybody spend the server's time, so it is left to the passwords of people.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'

/** A new secret: 256 random bits, base64url. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** What is stored of a secret: its SHA-256, base64url. */
export function digestSecret(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/** Compares two digests in a time that tells nothing of where they differ. */
export function sameDigest(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}

/** The digest of a secret that nobody has: what is compared when there is no client. */
export const decoyDigest = digestSecret(newSecret())
