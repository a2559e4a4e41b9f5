import { bothOf, expectRefused, useAssertions } from '../../support/conformance'

const { world, token } = useAssertions()

test('an assertion that ended five minutes ago is refused', async () => {
  for (const [person] of bothOf(world())) {
    const exp = Math.floor(world().clock.now() / 1000) - 300
    expectRefused(await token(person, { exp }), 401, 'invalid_client')
  }
})
