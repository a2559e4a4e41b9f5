import { useRegistration } from '../../support/conformance'
import { jwksOf, pathOf, register, send } from '../../support/registration'

const world = useRegistration()

test('a client changes its own metadata, and the other’s stay', async () => {
  const one = await register(world(), { client_name: 'one' })
  const two = await register(world(), { client_name: 'two', jwks: jwksOf(world().certificates.b) })
  const { client_id, registration_access_token: token } = one.json
  const body = { client_id, client_name: 'renamed' }
  const answer = await send(world(), 'PUT', pathOf(one), { token, body })
  expect(answer.status).toBe(200)
  expect(answer.json.client_name).toBe('renamed')
  const other = { token: two.json.registration_access_token }
  expect((await send(world(), 'GET', pathOf(two), other)).json.client_name).toBe('two')
})
