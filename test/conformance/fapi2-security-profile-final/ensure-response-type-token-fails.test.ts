import { bothOf, expectRefused, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('token is refused: no access token ever stands in a URL', async () => {
  for (const [person] of bothOf(world())) {
    const answer = await push(world(), person, { response_type: 'token' })
    expectRefused(answer, 400, 'unsupported_response_type')
  }
})
