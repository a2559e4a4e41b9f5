import { bothOf, useAssertions } from '../../support/conformance'

const { world, push } = useAssertions()

test('an assertion may mean the issuer or the token endpoint (RFC 9126 section 2)', async () => {
  for (const [person] of bothOf(world())) {
    for (const aud of [world().url, `${world().url}/oauth2/token`]) {
      expect((await push(person, { aud })).status).toBe(201)
    }
  }
})
