import { bothOf, useWorld } from '../../support/conformance'

const world = useWorld()

test('the scheme of the Authorization header is known in any letters (RFC 9110 section 11.1)', async () => {
  for (const [person] of bothOf(world())) {
    const { access_token } = (await world().token(person)).json
    for (const scheme of ['bearer', 'BEARER', 'bEaReR']) {
      const headers = { authorization: `${scheme} ${access_token}` }
      const { status } = await world().get('/me', { headers, certificate: person.certificate })
      expect(status).toBe(200)
    }
  }
})
