import { expectRefused, useRegistration } from '../../support/conformance'
import { register } from '../../support/registration'

const world = useRegistration()

test('the code grant without a redirect URI is refused', async () => {
  const answer = await register(world(), { grant_types: ['authorization_code'] })
  expectRefused(answer, 400, 'invalid_redirect_uri')
})
