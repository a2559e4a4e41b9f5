import { expectRefused, useAssertions } from '../../support/conformance'

const { world, push, signers } = useAssertions('PS256')

test('an assertion by RS256 is refused where the key was registered for PS256, the same key though it is', async () => {
  const { a } = world()
  const weaker = { ...signers.a, alg: 'RS256' as const }
  expectRefused(await push(a, {}, weaker), 401, 'invalid_client')
  expect((await push(a)).status).toBe(201)
})
