import { pkce } from '../../support/browser'
import { bothOf, codeOf, redemptionOf, useWorld } from '../../support/conformance'
import { claimsOf } from '../../support/world'

const world = useWorld()

test('a pushed request ends in tokens bound to the certificate, which open the route', async () => {
  for (const [person, other] of bothOf(world())) {
    const code = await codeOf(world(), person)
    const token = await world().token(
      person,
      redemptionOf(world(), person, code, pkce.code_verifier),
    )
    expect(token.status).toBe(200)
    const { access_token, id_token } = token.json
    expect(claimsOf(access_token).cnf).toEqual({ 'x5t#S256': person.thumbprint })
    expect(claimsOf(id_token)).toMatchObject({ aud: person.client_id, nonce: 'nonce-of-a' })
    const headers = { authorization: `Bearer ${access_token}` }
    const { certificate } = person
    expect((await world().get('/accounts', { headers, certificate })).status).toBe(200)
    const stolen = { headers, certificate: other.certificate }
    expect((await world().get('/accounts', stolen)).status).toBe(401)
  }
})
