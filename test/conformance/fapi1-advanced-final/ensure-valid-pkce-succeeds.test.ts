import { newPkce } from '../../support/browser'
import { bothOf, codeOf, redemptionOf, useWorld } from '../../support/conformance'

const world = useWorld()

test('a code with its own verifier is redeemed', async () => {
  for (const [person] of bothOf(world())) {
    const { code_challenge, code_verifier } = newPkce()
    const code = await codeOf(world(), person, { code_challenge })
    const redemption = redemptionOf(world(), person, code, code_verifier)
    expect((await world().token(person, redemption)).status).toBe(200)
  }
})
