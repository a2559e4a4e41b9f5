import { bothOf, expectRefused, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('a request_uri that was pushed can’t be pushed again', async () => {
  for (const [person] of bothOf(world())) {
    const { request_uri } = (await push(world(), person)).json
    expectRefused(await push(world(), person, { request_uri }), 400, 'invalid_request')
  }
})
