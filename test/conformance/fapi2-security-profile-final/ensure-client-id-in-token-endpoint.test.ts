import { pkce } from '../../support/browser'
import { bothOf, codeOf, expectRefused, redemptionOf, useWorld } from '../../support/conformance'

const world = useWorld()

test('a certificate without client_id is nobody, and another client_id is somebody else', async () => {
  for (const [person, other] of bothOf(world())) {
    const code = await codeOf(world(), person)
    const redemption = redemptionOf(world(), person, code, pkce.code_verifier)
    const nobody = await world().token(person, { ...redemption, client_id: '' })
    expectRefused(nobody, 401, 'invalid_client')
    const stranger = await world().token(person, { ...redemption, client_id: other.client_id })
    expectRefused(stranger, 401, 'invalid_client')
    expect((await world().token(person, redemption)).status).toBe(200)
  }
})
