import { createHmac, hkdfSync } from 'node:crypto'
import type { SigningKey } from './key-files'

/**
 * The refresh token that follows on another, made from it so that the same one can be told again though
 * only digests are stored. It takes the old token **and** a secret, since whoever has a used token must
 * not be able to work out its successor. The secret comes from the signing key by HKDF (RFC 5869), so
 * every machine that can sign has it and nothing more lies in the key folder or the database.
 */
export function successorOf(token: string, key: SigningKey): string {
  return createHmac('sha256', secretOf(key)).update(token).digest('base64url')
}

const secrets = new WeakMap<SigningKey, Buffer>()

function secretOf(key: SigningKey): Buffer {
  let secret = secrets.get(key)
  if (secret === undefined) {
    const material = key.privateKey.export({ type: 'pkcs8', format: 'der' })
    secret = Buffer.from(
      hkdfSync('sha256', material, '', 'mtls-secret refresh token successor', 32),
    )
    secrets.set(key, secret)
  }
  return secret
}
