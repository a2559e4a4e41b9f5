import { authorizePath, openBrowser } from '../../support/browser'
import { bothOf, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('a request_uri with the other client’s id shows no login', async () => {
  for (const [person, other] of bothOf(world())) {
    const { request_uri } = (await push(world(), person)).json
    const path = authorizePath({ client_id: other.client_id, request_uri })
    const stolen = await openBrowser(world()).visit(path)
    expect(stolen.status).toBe(400)
    expect(stolen.form).toBeUndefined()
    expect(stolen.location).toBeUndefined()
  }
})
