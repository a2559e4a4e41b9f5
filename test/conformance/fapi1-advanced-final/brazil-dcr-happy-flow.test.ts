import { expectRefused, useRegistration } from '../../support/conformance'
import { jwksOf, register } from '../../support/registration'

const world = useRegistration()

test('two clients register, each with its own certificate, and neither speaks for the other', async () => {
  const { stranger, b } = world().certificates
  const one = (await register(world(), { client_name: 'one' })).json
  const two = (await register(world(), { client_name: 'two', jwks: jwksOf(b) })).json
  for (const [client, own, other] of [
    [one, stranger, b],
    [two, b, stranger],
  ] as const) {
    const person = { ...client, certificate: own, thumbprint: '' }
    expect((await world().token(person)).status).toBe(200)
    expectRefused(await world().token(person, {}, { certificate: other }), 401, 'invalid_client')
  }
})
