import { bothOf, expectRefused, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('a request without code_challenge is refused', async () => {
  for (const [person] of bothOf(world())) {
    const answer = await push(world(), person, {
      code_challenge: undefined,
      code_challenge_method: undefined,
    })
    expectRefused(answer, 400, 'invalid_request')
  }
})
