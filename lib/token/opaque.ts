import { hash, randomBytes } from 'node:crypto'

/**
 * Refresh tokens and codes: 256 random bits that mean nothing by themselves. Only their SHA-256 is
 * stored, so a copy of the database lets nobody in; nothing slower is needed for 256 bits.
 */
export function newOpaqueToken(): string {
  return randomText(32)
}

export function digestOpaque(token: string): string {
  return hash('sha256', token, 'base64url')
}

/** 128 random bits: ids of grants and of tokens, which need to be unique but not secret. */
export function newId(): string {
  return randomText(16)
}

/** So many random bytes, base64url. What was given out is not kept. */
function randomText(bytes: number): string {
  if (offset + bytes > pool.length) {
    pool = randomBytes(4096)
    offset = 0
  }
  const end = offset + bytes
  const text = pool.toString('base64url', offset, end)
  pool.fill(0, offset, end)
  offset = end
  return text
}

/** Drawn in one call for hundreds: asking the system each time costs more than all the rest. */
let pool = Buffer.alloc(0)
let offset = 0
