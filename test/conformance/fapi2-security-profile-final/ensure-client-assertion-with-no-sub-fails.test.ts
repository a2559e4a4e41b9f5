import { bothOf, expectRefused, useAssertions } from '../../support/conformance'

const { world, token } = useAssertions()

test('an assertion without sub, or with the other client’s, is refused', async () => {
  for (const [person, other] of bothOf(world())) {
    expectRefused(await token(person, { sub: undefined }), 401, 'invalid_client')
    expectRefused(await token(person, { sub: other.client_id }), 401, 'invalid_client')
  }
})
