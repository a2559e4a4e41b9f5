import { pkce } from '../../support/browser'
import { bothOf, codeOf, expectRefused, redemptionOf, useWorld } from '../../support/conformance'
import { claimsOf } from '../../support/world'

const world = useWorld()

test('a refresh token brings a bound token to its own client, and nothing to the other', async () => {
  for (const [person, other] of bothOf(world())) {
    const code = await codeOf(world(), person)
    const redemption = redemptionOf(world(), person, code, pkce.code_verifier)
    const { refresh_token } = (await world().token(person, redemption)).json
    const renewal = { grant_type: 'refresh_token', refresh_token }
    expectRefused(await world().token(other, renewal), 400, 'invalid_grant')
    const stolen = { certificate: other.certificate }
    expectRefused(await world().token(person, renewal, stolen), 401, 'invalid_client')
    const { status, json } = await world().token(person, renewal)
    expect(status).toBe(200)
    expect(claimsOf(json.access_token).cnf).toEqual({ 'x5t#S256': person.thumbprint })
    expect(json.refresh_token).not.toBe(refresh_token)
  }
})
