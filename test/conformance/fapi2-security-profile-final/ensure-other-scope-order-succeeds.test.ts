import { pkce } from '../../support/browser'
import { bothOf, consentTo, push, redemptionOf, useWorld } from '../../support/conformance'
import { claimsOf } from '../../support/world'

const world = useWorld()

test('scopes may be asked for in any order', async () => {
  for (const [person] of bothOf(world())) {
    const { request_uri } = (await push(world(), person, { scope: 'accounts:read openid' })).json
    const { searchParams } = await consentTo(world(), person, request_uri)
    const code = searchParams.get('code') ?? ''
    const redemption = redemptionOf(world(), person, code, pkce.code_verifier)
    const { status, json } = await world().token(person, redemption)
    expect(status).toBe(200)
    expect(claimsOf(json.access_token).scope).toBe('accounts:read openid')
    expect(json.id_token).toEqual(expect.any(String))
  }
})
