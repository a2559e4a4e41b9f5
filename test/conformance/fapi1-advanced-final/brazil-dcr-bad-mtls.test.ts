import { expectRefused, useRegistration } from '../../support/conformance'
import { register } from '../../support/registration'

const world = useRegistration()

test('with another client’s certificate, or a stranger’s, nobody registers', async () => {
  for (const certificate of [world().b.certificate, world().certificates.stranger]) {
    expectRefused(await register(world(), {}, { certificate }), 401, 'invalid_token')
  }
})
