import { callbackOf } from '../../support/browser'
import { bothOf, expectRefused, push, useWorld } from '../../support/conformance'

const world = useWorld()

test('a redirect URI that is not registered is refused, the other client’s too', async () => {
  for (const [person] of bothOf(world())) {
    const others = callbackOf(person === world().a ? 'b' : 'a')
    for (const redirect_uri of ['https://evil.example/', others, `${callbackOf('a')}x`]) {
      expectRefused(await push(world(), person, { redirect_uri }), 400, 'invalid_request')
    }
  }
})
