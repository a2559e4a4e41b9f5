import { pkce } from '../../support/browser'
import { bothOf, codeOf, expectRefused, redemptionOf, useWorld } from '../../support/conformance'

const world = useWorld()

test('without the key’s certificate neither a code nor a token is worth anything', async () => {
  for (const [person, other] of bothOf(world())) {
    const code = await codeOf(world(), person)
    const redemption = redemptionOf(world(), person, code, pkce.code_verifier)
    const bare = await world().token(person, redemption, { certificate: undefined })
    expectRefused(bare, 401, 'invalid_client')
    const stolen = await world().token(person, redemption, { certificate: other.certificate })
    expectRefused(stolen, 401, 'invalid_client')
    const { access_token } = (await world().token(person, redemption)).json
    const headers = { authorization: `Bearer ${access_token}` }
    for (const certificate of [undefined, other.certificate]) {
      const answer = await world().get('/me', { headers, certificate })
      expectRefused(answer, 401, 'invalid_token')
    }
  }
})
