import { pkce } from '../../support/browser'
import { bothOf, codeOf, expectRefused, redemptionOf, useWorld } from '../../support/conformance'

const world = useWorld()

test('a code is worth nothing after a minute', async () => {
  for (const [person] of bothOf(world())) {
    const code = await codeOf(world(), person)
    world().clock.advance(61)
    const redemption = redemptionOf(world(), person, code, pkce.code_verifier)
    expectRefused(await world().token(person, redemption), 400, 'invalid_grant')
  }
})
