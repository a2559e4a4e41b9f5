import { pkce } from '../../support/browser'
import { bothOf, codeOf, expectRefused, redemptionOf, useWorld } from '../../support/conformance'

const world = useWorld()

test('a code that comes again ends what its first use brought', async () => {
  for (const [person, other] of bothOf(world())) {
    const code = await codeOf(world(), person)
    const redemption = redemptionOf(world(), person, code, pkce.code_verifier)
    const first = (await world().token(person, redemption)).json
    const others = (await world().token(other)).json.access_token
    world().clock.advance(1)
    expectRefused(await world().token(person, redemption), 400, 'invalid_grant')
    const renewal = { grant_type: 'refresh_token', refresh_token: first.refresh_token }
    expectRefused(await world().token(person, renewal), 400, 'invalid_grant')
    const { client_id, client_secret, certificate } = person
    const ask = { client_id, client_secret, token: first.access_token }
    const { json } = await world().post('/oauth2/introspect', ask, { certificate })
    expect(json).toEqual({ active: false })
    const headers = { authorization: `Bearer ${others}` }
    const untouched = { headers, certificate: other.certificate }
    expect((await world().get('/me', untouched)).status).toBe(200)
  }
})
