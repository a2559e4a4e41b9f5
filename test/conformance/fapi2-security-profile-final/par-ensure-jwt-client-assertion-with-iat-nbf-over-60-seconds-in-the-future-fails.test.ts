import { bothOf, expectRefused, useAssertions } from '../../support/conformance'

const { world, push } = useAssertions()

test('a client’s clock may not be ahead by more than a minute', async () => {
  for (const [person] of bothOf(world())) {
    const later = Math.floor(world().clock.now() / 1000) + 70
    expectRefused(await push(person, { iat: later, exp: later + 60 }), 401, 'invalid_client')
    expectRefused(await push(person, { nbf: later, exp: later + 60 }), 401, 'invalid_client')
  }
})
