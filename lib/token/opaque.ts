import { createHash, randomBytes } from 'node:crypto'

/**
 * Refresh tokens and codes: 256 random bits that mean nothing by themselves. Only their SHA-256 is
 * stored, so a copy of the database lets nobody in; nothing slower is needed for 256 bits.
 */
export function newOpaqueToken(): string {
  return randomBytes(32).toString('base64url')
}

export function digestOpaque(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** 128 random bits: ids of grants and of tokens, which need to be unique but not secret. */
export function newId(): string {
  if (offset === pool.length) {
    pool = randomBytes(4096)
    offset = 0
  }
  offset += 16
  return pool.toString('base64url', offset - 16, offset)
}

/** Drawn in one call for 256 ids: asking the system each time costs more than the rest of an id. */
let pool = Buffer.alloc(0)
let offset = 0
