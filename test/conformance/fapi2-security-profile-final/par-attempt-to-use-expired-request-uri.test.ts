import { authorizePath, openBrowser } from '../../support/browser'
import { bothOf, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('a request_uri is worth nothing after its expires_in', async () => {
  for (const [person] of bothOf(world())) {
    const { request_uri, expires_in } = (await push(world(), person)).json
    expect(expires_in).toBeLessThan(600)
    world().clock.advance(expires_in + 1)
    const path = authorizePath({ client_id: person.client_id, request_uri })
    const late = await openBrowser(world()).visit(path)
    expect(late.status).toBe(400)
    expect(late.form).toBeUndefined()
  }
})
