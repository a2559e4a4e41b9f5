import { bothOf, expectRefused, useAssertions } from '../../support/conformance'

const { world, token } = useAssertions()

test('the certificate and the client_id without an assertion let nobody in', async () => {
  for (const [{ client_id, certificate }] of bothOf(world())) {
    const fields = { grant_type: 'client_credentials', client_id }
    const answer = await world().post('/oauth2/token', fields, { certificate })
    expectRefused(answer, 401, 'invalid_client')
  }
  expect((await token(world().a)).status).toBe(200)
})
