import { hash } from 'node:crypto'

/**
 * `x5t#S256` of a certificate: SHA-256 of its DER, base64url without padding (RFC 8705 section 3.1).
 *
 * @example
 * thumbprintOf(readPem(await readFile('client.pem', 'utf8'), 'client.pem')[0])
 */
export function thumbprintOf(der: Buffer): string {
  return hash('sha256', der, 'base64url')
}

/**
 * A thumbprint as people write it, `x5t#S256` or SHA-256 in hex with or without colons, in the one
 * form that is compared; undefined when it is neither.
 */
export function parseThumbprint(text: string): string | undefined {
  if (hexBytes.test(text)) return Buffer.from(text.replaceAll(':', ''), 'hex').toString('base64url')
  if (!base64urlBytes.test(text)) return undefined
  const digest = Buffer.from(text, 'base64url')
  // The last of the 43 characters carries only four bits: another spelling of the same is refused.
  return digest.toString('base64url') === text ? text : undefined
}

const hexBytes = /^(?:[0-9a-f]{64}|[0-9a-f]{2}(?::[0-9a-f]{2}){31})$/i
const base64urlBytes = /^[A-Za-z0-9_-]{43}$/
