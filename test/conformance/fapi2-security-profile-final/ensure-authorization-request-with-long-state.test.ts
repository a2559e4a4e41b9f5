import { pkce } from '../../support/browser'
import { bothOf, consentTo, push, redemptionOf, useWorld } from '../../support/conformance'
import { claimsOf } from '../../support/world'

const world = useWorld()

test('a state of 384 characters comes back whole', async () => {
  for (const [person] of bothOf(world())) {
    const { request_uri } = (await push(world(), person, { state: 's'.repeat(384) })).json
    const { searchParams } = await consentTo(world(), person, request_uri)
    const code = searchParams.get('code') ?? ''
    const redemption = redemptionOf(world(), person, code, pkce.code_verifier)
    const { status, json } = await world().token(person, redemption)
    expect(status).toBe(200)
    expect(searchParams.get('state')).toBe('s'.repeat(384))
    expect(claimsOf(json.access_token).client_id).toBe(person.client_id)
  }
})
