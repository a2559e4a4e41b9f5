import { jwksOf, openRegistrationWorld, pathOf, register, send } from '../support/registration'
import { claimsOf, type World } from '../support/world'

/** A program registers itself with a certificate, and gets tokens bound to it; later it looks after itself. */
let world: World
beforeEach(async () => {
  world = await openRegistrationWorld()
})
afterEach(() => world.close())

test('a registered client gets a token by its own certificate and the secret that was shown once', async () => {
  const answer = await register(world, { scope: 'accounts:read' })
  expect(answer.status).toBe(201)
  expect(answer.headers['cache-control']).toBe('no-store')
  const { json } = answer
  expect(json).toMatchObject({
    client_name: 'new',
    client_id_issued_at: expect.any(Number),
    client_secret: expect.stringMatching(/^[\w-]{43}$/),
    client_secret_expires_at: 0,
    token_endpoint_auth_method: 'mtls-secret',
    grant_types: ['client_credentials'],
    response_types: [],
    scope: 'accounts:read',
    tls_client_certificate_bound_access_tokens: true,
    registration_access_token: expect.stringMatching(/^[\w-]{43}$/),
    registration_client_uri: `${world.url}/oauth2/register/${json.client_id}`,
  })
  expect(json.certificates).toHaveLength(1)

  const { stranger, b } = world.certificates
  const person = { ...json, certificate: stranger, thumbprint: json.certificates[0].thumbprint }
  const token = await world.token(person)
  expect(token.status).toBe(200)
  expect(claimsOf(token.json.access_token)).toMatchObject({
    client_id: json.client_id,
    cnf: { 'x5t#S256': person.thumbprint },
  })
  expect((await world.token(person, {}, { certificate: b })).status).toBe(401)
})

test('who registered whom stands in the log', async () => {
  const { json } = await register(world)
  expect(world.only('client.registered')).toMatchObject({
    client_id: world.a.client_id,
    registered: json.client_id,
    thumbprint: world.a.thumbprint.slice(0, 16),
  })
})

test('a certificate may also be sent as PEM', async () => {
  const { stranger } = world.certificates
  const fields = { jwks: undefined, certificate: stranger.cert }
  const { json, status } = await register(world, fields)
  expect(status).toBe(201)
  expect((await world.token({ ...json, certificate: stranger, thumbprint: '' })).status).toBe(200)
})

test('redirect URIs without a grant mean the code grant, and no scope none', async () => {
  const { json } = await register(world, { redirect_uris: ['https://new.example/cb'] })
  expect(json).toMatchObject({ grant_types: ['authorization_code'], response_types: ['code'] })
})

test('fields that are right and change nothing are accepted', async () => {
  const answer = await register(world, {
    redirect_uris: ['https://new.example/cb'],
    response_types: ['code'],
    tls_client_certificate_bound_access_tokens: true,
    id_token_signed_response_alg: 'ES256',
    subject_type: 'public',
    application_type: 'web',
    contacts: ['me@new.example'],
    client_uri: 'https://new.example',
    software_id: 'x',
  })
  expect(answer.status).toBe(201)
})

describe('a client’s own registration', () => {
  const own = () => world.certificates.stranger

  test('can be read, without any secret in it but the token it was read with', async () => {
    const registered = await register(world)
    const { registration_access_token: token, client_id, client_secret } = registered.json
    const answer = await send(world, 'GET', pathOf(registered), { token, certificate: own() })
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ client_id, registration_access_token: token })
    expect(answer.text).not.toContain(client_secret)
    expect(answer.json).not.toHaveProperty('secrets')
  })

  test('can be replaced: what is left out goes, but for the certificate and the secret', async () => {
    const registered = await register(world, { scope: 'accounts:read' })
    const { registration_access_token: token, client_id, client_secret } = registered.json
    const path = pathOf(registered)
    const body = { client_id, client_name: 'renamed' }
    const answer = await send(world, 'PUT', path, { token, body, certificate: own() })
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ client_name: 'renamed', scope: '' })
    expect(answer.json).not.toHaveProperty('client_secret')
    const person = { client_id, client_secret, certificate: own(), thumbprint: '' }
    expect((await world.token(person)).status).toBe(200)
  })

  test('what was read can be sent back', async () => {
    const registered = await register(world)
    const { registration_access_token: token } = registered.json
    const path = pathOf(registered)
    const read = (await send(world, 'GET', path, { token, certificate: own() })).json
    const {
      registration_access_token: _,
      registration_client_uri: __,
      client_id_issued_at: ___,
      ...body
    } = read
    const answer = await send(world, 'PUT', path, { token, body, certificate: own() })
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual(read)
  })

  test('can be given another certificate, under which it is managed from then on', async () => {
    const registered = await register(world)
    const { registration_access_token: token, client_id, client_secret } = registered.json
    const path = pathOf(registered)
    const next = world.certificates.b
    const body = { client_id, jwks: jwksOf(next) }
    expect((await send(world, 'PUT', path, { token, body, certificate: own() })).status).toBe(200)
    const person = { client_id, client_secret, certificate: next, thumbprint: '' }
    expect((await world.token(person)).status).toBe(200)
    expect((await world.token({ ...person, certificate: own() })).status).toBe(401)
    expect((await send(world, 'GET', path, { token, certificate: own() })).status).toBe(401)
    expect((await send(world, 'GET', path, { token, certificate: next })).status).toBe(200)
  })

  test('can be removed, and with it every token', async () => {
    const registered = await register(world)
    const { registration_access_token: token, client_id, client_secret } = registered.json
    const path = pathOf(registered)
    const answer = await send(world, 'DELETE', path, { token, certificate: own() })
    expect(answer.status).toBe(204)
    expect(answer.text).toBe('')
    expect((await send(world, 'GET', path, { token, certificate: own() })).status).toBe(401)
    const person = { client_id, client_secret, certificate: own(), thumbprint: '' }
    expect((await world.token(person)).status).toBe(401)
  })
})
