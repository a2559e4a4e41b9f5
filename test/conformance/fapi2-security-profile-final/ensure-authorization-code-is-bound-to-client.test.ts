import { pkce } from '../../support/browser'
import { bothOf, codeOf, expectRefused, redemptionOf, useWorld } from '../../support/conformance'

const world = useWorld()

test('the other client’s full credentials redeem no code, and the code stays good for its own', async () => {
  for (const [person, other] of bothOf(world())) {
    const code = await codeOf(world(), person)
    const redemption = redemptionOf(world(), person, code, pkce.code_verifier)
    expectRefused(await world().token(other, redemption), 400, 'invalid_grant')
    expect((await world().token(person, redemption)).status).toBe(200)
  }
})
