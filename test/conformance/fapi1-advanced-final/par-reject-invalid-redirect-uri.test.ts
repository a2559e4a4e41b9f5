import { bothOf, expectRefused, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('a pushed redirect URI that is not registered is refused before anybody is asked', async () => {
  for (const [person] of bothOf(world())) {
    const answer = await push(world(), person, { redirect_uri: 'https://evil.example/callback' })
    expectRefused(answer, 400, 'invalid_request')
  }
})
