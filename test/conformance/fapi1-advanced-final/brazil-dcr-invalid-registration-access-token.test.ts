import { expectRefused, useRegistration } from '../../support/conformance'
import { jwksOf, pathOf, register, send } from '../../support/registration'

const world = useRegistration()

test('another client’s registration token, or a made-up one, reads, changes and removes nothing', async () => {
  const one = await register(world())
  const two = await register(world(), { jwks: jwksOf(world().certificates.b) })
  for (const token of [two.json.registration_access_token, 'invalid']) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? { client_id: one.json.client_id } : undefined
      expectRefused(await send(world(), method, pathOf(one), { token, body }), 401, 'invalid_token')
    }
  }
  const token = one.json.registration_access_token
  expect((await send(world(), 'GET', pathOf(one), { token })).json.client_name).toBe('new')
})
