/**
 * Before a server is measured it must have done the whole work once: a token that is signed, for this
 * client, bound to its certificate; nothing for a wrong secret, nothing for another's certificate.
 */
import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'

export async function proveSameWork(world, { participant, tell, url }) {
  const { alg = 'ES256', kind } = participant
  const [one, other] = world.identities
  const ask = (identity, { client_id }, client_secret) =>
    tell('ask', {
      identity,
      parameters: {
        grant_type: 'client_credentials',
        scope: world.scope,
        client_id,
        client_secret,
      },
    })

  const { access_token } = await ask(0, one, one.client_secret)
  const { header, claims } = read(access_token, alg, await publicKeys())
  const facts = {
    alg: header.alg === alg,
    iss: claims.iss === url,
    aud: claims.aud === url,
    client_id: claims.client_id === one.client_id,
    lifetime: claims.exp - claims.iat === 3600,
    cnf: claims.cnf?.['x5t#S256'] === one.thumbprint,
    scope: claims.scope === world.scope,
    jti: typeof claims.jti === 'string',
  }
  const wrong = Object.keys(facts).filter((fact) => !facts[fact])
  if (wrong.length > 0) {
    throw new Error(`${participant.name}: wrong ${wrong.join()} in ${access_token}`)
  }

  await refused('a wrong secret', ask(0, one, other.client_secret))
  await refused('another client’s certificate', ask(1, one, one.client_secret))

  async function publicKeys() {
    if (kind !== 'product') return [createPublicKey(readFileSync(world.signingKeys[alg]))]
    const { keys } = await tell('ask', { method: 'GET', path: '/oauth2/jwks' })
    return keys.map((key) => createPublicKey({ key, format: 'jwk' }))
  }

  async function refused(what, asked) {
    const status = await asked.then(
      () => 200,
      (error) => error.status,
    )
    if (status === 400 || status === 401) return
    throw new Error(`${participant.name} answers ${status} to ${what}`)
  }
}

function read(token, alg, keys) {
  const [header, claims, signature] = token.split('.')
  const text = Buffer.from(`${header}.${claims}`)
  const signed = keys.some((key) =>
    verify('sha256', text, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')),
  )
  if (!signed) throw new Error(`the signature (${alg}) is wrong: ${token}`)
  return { header: parse(header), claims: parse(claims) }
}

function parse(part) {
  return JSON.parse(Buffer.from(part, 'base64url').toString())
}
