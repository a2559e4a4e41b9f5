import { bothOf, expectRefused, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('the method plain is refused, and so is none', async () => {
  for (const [person] of bothOf(world())) {
    const answer = await push(world(), person, { code_challenge_method: 'plain' })
    expectRefused(answer, 400, 'invalid_request')
  }
})
