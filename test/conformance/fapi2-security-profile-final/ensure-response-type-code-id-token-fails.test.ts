import { bothOf, expectRefused, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('code id_token is refused', async () => {
  for (const [person] of bothOf(world())) {
    const answer = await push(world(), person, { response_type: 'code id_token' })
    expectRefused(answer, 400, 'unsupported_response_type')
  }
})
