import { expectRefused, useRegistration } from '../../support/conformance'
import { register } from '../../support/registration'

const world = useRegistration()

test('a jwks_uri is refused and never fetched', async () => {
  const answer = await register(world(), { jwks_uri: 'https://127.0.0.1:1/jwks' })
  expectRefused(answer, 400, 'invalid_client_metadata')
})
