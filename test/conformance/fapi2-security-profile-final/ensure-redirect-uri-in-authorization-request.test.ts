import { bothOf, expectRefused, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('a request without redirect URI is refused, though only one may be registered', async () => {
  for (const [person] of bothOf(world())) {
    const answer = await push(world(), person, { redirect_uri: undefined })
    expectRefused(answer, 400, 'invalid_request')
  }
})
