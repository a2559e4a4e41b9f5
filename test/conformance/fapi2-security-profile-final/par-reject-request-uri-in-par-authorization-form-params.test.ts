import { bothOf, expectRefused, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('a request can’t be pushed by reference', async () => {
  for (const [person] of bothOf(world())) {
    const answer = await push(world(), person, {
      request_uri: 'urn:ietf:params:oauth:request_uri:x',
    })
    expectRefused(answer, 400, 'invalid_request')
  }
})
