import { expectRefused, useRegistration } from '../../support/conformance'
import { pathOf, register, send } from '../../support/registration'

const world = useRegistration()

test('a removed client is nobody: its token, its secret and its registration token are worth nothing', async () => {
  const registered = await register(world())
  const { registration_access_token: token } = registered.json
  expect((await send(world(), 'DELETE', pathOf(registered), { token })).status).toBe(204)
  expectRefused(await send(world(), 'GET', pathOf(registered), { token }), 401, 'invalid_token')
  const person = { ...registered.json, certificate: world().certificates.stranger, thumbprint: '' }
  expectRefused(await world().token(person), 401, 'invalid_client')
})
