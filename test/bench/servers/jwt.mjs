/** The token that the peers issue, by jsonwebtoken with a key that was parsed once. */
import { randomUUID } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import { issuer, settings, signingKey } from './world.mjs'

export function accessToken({ client_id, thumbprint }) {
  const iat = Math.floor(Date.now() / 1000)
  return jsonwebtoken.sign(
    {
      iss: issuer,
      sub: client_id,
      aud: issuer,
      client_id,
      jti: randomUUID(),
      iat,
      nbf: iat,
      exp: iat + 3600,
      scope: settings.scope,
      cnf: { 'x5t#S256': thumbprint },
    },
    signingKey,
    { algorithm: settings.alg, header: { typ: 'at+jwt', kid: 'peer' } },
  )
}
