import { expectRefused, useRegistration } from '../../support/conformance'
import { register } from '../../support/registration'

const world = useRegistration()

test('a redirect URI that is not safe is refused', async () => {
  for (const uri of ['http://new.example/cb', 'https://new.example/cb#x', 'javascript:alert(1)']) {
    const answer = await register(world(), { redirect_uris: [uri] })
    expectRefused(answer, 400, 'invalid_redirect_uri')
  }
})
