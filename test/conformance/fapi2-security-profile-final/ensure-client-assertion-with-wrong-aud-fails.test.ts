import { bothOf, expectRefused, useAssertions } from '../../support/conformance'

const { world, token } = useAssertions()

test('an assertion for another server is refused', async () => {
  for (const [person] of bothOf(world())) {
    for (const aud of [
      'https://other.example',
      'invalid',
      [world().url, 'https://other.example'],
    ]) {
      expectRefused(await token(person, { aud }), 401, 'invalid_client')
    }
  }
})
