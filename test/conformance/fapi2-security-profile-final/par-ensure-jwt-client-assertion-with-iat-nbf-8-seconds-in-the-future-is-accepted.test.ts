import { bothOf, useAssertions } from '../../support/conformance'

const { world, push } = useAssertions()

test('a client’s clock may be ahead by eight seconds', async () => {
  for (const [person] of bothOf(world())) {
    const soon = Math.floor(world().clock.now() / 1000) + 8
    expect((await push(person, { iat: soon, nbf: soon })).status).toBe(201)
  }
})
