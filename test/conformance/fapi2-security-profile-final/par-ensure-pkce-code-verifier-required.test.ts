import { bothOf, codeOf, expectRefused, redemptionOf, useWorld } from '../../support/conformance'

const world = useWorld()

test('a code without its verifier is refused', async () => {
  for (const [person] of bothOf(world())) {
    const code = await codeOf(world(), person)
    const answer = await world().token(person, redemptionOf(world(), person, code, ''))
    expect(['invalid_request', 'invalid_grant']).toContain(answer.json.error)
    expectRefused(answer, 400, answer.json.error)
  }
})
