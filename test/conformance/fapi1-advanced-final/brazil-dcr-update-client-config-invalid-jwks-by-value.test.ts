import { expectRefused, useRegistration } from '../../support/conformance'
import { pathOf, register, send } from '../../support/registration'

const world = useRegistration()

test('a change to a key set that is none is refused, and the client stays as it was', async () => {
  const registered = await register(world())
  const { client_id, registration_access_token: token } = registered.json
  const body = { client_id, client_name: 'after', ...{ jwks: { keys: [{ kty: 'EC' }] } } }
  const answer = await send(world(), 'PUT', pathOf(registered), { token, body })
  expectRefused(answer, 400, 'invalid_client_metadata')
  const { json } = await send(world(), 'GET', pathOf(registered), { token })
  expect(json.client_name).toBe('new')
})
