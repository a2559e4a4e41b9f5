import { authorizePath, openBrowser } from '../../support/browser'
import { bothOf, consentTo, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('a request_uri that was used is none any more', async () => {
  for (const [person] of bothOf(world())) {
    const { request_uri } = (await push(world(), person)).json
    await consentTo(world(), person, request_uri)
    const path = authorizePath({ client_id: person.client_id, request_uri })
    const again = await openBrowser(world()).visit(path)
    expect(again.status).toBe(400)
    expect(again.location).toBeUndefined()
    expect(again.form).toBeUndefined()
  }
})
