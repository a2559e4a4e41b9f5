import { bothOf, consentTo, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('client_id and request_uri are all that the link needs (RFC 9126 section 4)', async () => {
  for (const [person] of bothOf(world())) {
    const { request_uri } = (await push(world(), person)).json
    const { searchParams } = await consentTo(world(), person, request_uri)
    expect(searchParams.get('code')).toMatch(/^[\w-]{43}$/)
  }
})
