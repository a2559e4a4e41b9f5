import { expectRefused, useRegistration } from '../../support/conformance'
import { jwksOf, register } from '../../support/registration'

const world = useRegistration()

test('a key set that is none, or holds a private key, is refused', async () => {
  const [key] = jwksOf(world().certificates.stranger).keys
  for (const jwks of [
    {},
    { keys: [] },
    { keys: [{ kty: 'EC' }] },
    { keys: [{ ...key, d: 'x' }] },
  ]) {
    expectRefused(await register(world(), { jwks }), 400, 'invalid_client_metadata')
  }
})
