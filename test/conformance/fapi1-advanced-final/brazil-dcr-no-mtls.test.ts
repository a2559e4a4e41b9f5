import { expectRefused, useRegistration } from '../../support/conformance'
import { register } from '../../support/registration'

const world = useRegistration()

test('without a client certificate nobody registers, whatever token is shown', async () => {
  const answer = await register(world(), {}, { certificate: undefined })
  expectRefused(answer, 401, 'invalid_token')
  expect((await register(world())).status).toBe(201)
})
