import { newPkce } from '../../support/browser'
import { bothOf, codeOf, expectRefused, redemptionOf, useWorld } from '../../support/conformance'

const world = useWorld()

test('a code with another verifier is refused', async () => {
  for (const [person] of bothOf(world())) {
    const code = await codeOf(world(), person)
    const redemption = redemptionOf(world(), person, code, newPkce().code_verifier)
    expectRefused(await world().token(person, redemption), 400, 'invalid_grant')
  }
})
