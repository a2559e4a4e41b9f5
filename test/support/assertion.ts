import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { type Algorithm, type JwtPayload, sign } from 'jsonwebtoken'
import type { ClientMetadata } from '../../lib/client/metadata'
import type { Person, World } from './world'

/** A key that a client signs its assertions with, and what it registers of it. */
export interface Signer {
  key: KeyObject
  alg: Algorithm
  jwks: NonNullable<ClientMetadata['jwks']>
}

export function newSigner(alg: Algorithm, more: object = {}): Signer {
  const pair = alg.startsWith('ES')
    ? generateKeyPairSync('ec', { namedCurve: alg === 'ES256' ? 'P-256' : 'P-384' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), ...more }
  return { key: pair.privateKey, alg, jwks: { keys: [jwk] } }
}

/** An assertion of a client, right but for what is given; undefined leaves a claim out. */
export function assertionOf(
  world: World,
  { client_id }: Person,
  by: Signer,
  claims: JwtPayload = {},
  header: object = {},
): string {
  const now = Math.floor(world.clock.now() / 1000)
  const whole = {
    iss: client_id,
    sub: client_id,
    aud: world.server.issuer,
    iat: now,
    exp: now + 60,
    jti: randomUUID(),
    ...claims,
  }
  const kept = Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined))
  return sign(kept, by.key, {
    algorithm: by.alg,
    noTimestamp: kept.iat === undefined,
    header: { alg: by.alg, ...header },
  })
}

/** The form fields that carry it. */
export const asserted = (client_assertion: string) => ({
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion,
})
