import { alice, authorizePath, openBrowser } from '../../support/browser'
import { bothOf, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('whoever denies is sent back with access_denied, state and issuer, and without a code', async () => {
  for (const [person] of bothOf(world())) {
    const { request_uri } = (await push(world(), person)).json
    const browser = openBrowser(world())
    const path = authorizePath({ client_id: person.client_id, request_uri })
    const consent = await browser.send(await browser.visit(path), alice)
    const { location } = await browser.send(consent, { decision: 'deny' })
    expect(location?.searchParams.get('error')).toBe('access_denied')
    expect(location?.searchParams.get('state')).toMatch(/^state-of-/)
    expect(location?.searchParams.get('iss')).toBe(world().server.issuer)
    expect(location?.searchParams.has('code')).toBe(false)
  }
})
