import { definePlugin } from '../../lib/plugin'
import { memoryStore } from '../../lib/store'
import { standardPlugins } from '../../plugins'
import { type Answer, claimsOf, openWorld, type World } from '../support/world'

/**
 * security.md, A: whoever lacks one of the two proofs, or has somebody else's, gets one and the same
 * answer, and the operator the reason.
 */
let world: World
beforeEach(async () => {
  world = await openWorld({
    event_listener: [on('client_secret_basic', 90), on('client_secret_post', 95)],
  })
})
afterEach(() => world.close())

const on = (name: string, order: number, properties = {}) => ({
  id: name,
  name,
  type: 'client-auth',
  order,
  enable: true,
  properties,
})

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
})

const uniform = {
  error: 'invalid_client',
  error_description: 'Client authentication failed.',
}

function expectRefused(answer: Answer, reason: string): void {
  expect(answer.status).toBe(401)
  expect(answer.json).toEqual(uniform)
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(answer.text).not.toContain('token')
  const event = world.only('client.rejected')
  expect(event).toMatchObject({ level: 'warn', reason })
  expect(event.request_id).toBeTruthy()
  expect(event.ip).toMatch(/127\.0\.0\.1|::1/)
}

function expectInvalidRequest(answer: Answer, reason: string, status = 400): void {
  expect(answer.status).toBe(status)
  expect(answer.json).toEqual({ error: 'invalid_request', error_description: expect.any(String) })
  expect(world.only('request.refused')).toMatchObject({ error: 'invalid_request', reason })
}

test('gives a bound token for certificate and secret together', async () => {
  const answer = await world.token(world.a)
  expect(answer.status).toBe(200)
  expect(answer.json).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
  expect(claimsOf(answer.json.access_token)).toMatchObject({
    client_id: world.a.client_id,
    sub: world.a.client_id,
    iss: world.url,
    aud: world.url,
    cnf: { 'x5t#S256': world.a.thumbprint },
  })
  expect(world.only('token.issued')).toMatchObject({
    client_id: world.a.client_id,
    thumbprint: world.a.thumbprint.slice(0, 16),
  })
})

test('refuses a right secret without certificate (case 1)', async () => {
  const answer = await world.token(world.a, {}, { certificate: undefined })
  expectRefused(answer, 'no_certificate_presented')
})

test.each(['', undefined])(
  'refuses a right certificate with secret %j (case 2)',
  async (secret) => {
    const form: Record<string, string> = {
      grant_type: 'client_credentials',
      client_id: world.a.client_id,
    }
    if (secret !== undefined) form.client_secret = secret
    const answer = await world.post('/oauth2/token', form, { certificate: world.a.certificate })
    expectRefused(answer, 'no_secret_presented')
  },
)

test('refuses a wrong secret with the right certificate (case 3)', async () => {
  const answer = await world.token(world.a, { client_secret: world.b.client_secret })
  expectRefused(answer, 'secret_mismatch')
})

test('refuses the certificate of one client with id and secret of another (case 4)', async () => {
  const answer = await world.token(world.b, {}, { certificate: world.a.certificate })
  expectRefused(answer, 'certificate_untrusted')
})

test('answers an unknown client exactly as a wrong secret (case 5)', async () => {
  const unknown = await world.token(world.a, { client_id: 'nobody' })
  expectRefused(unknown, 'unknown_client')
  const wrong = await world.token(world.a, { client_secret: 'wrong' })
  expectRefused(wrong, 'secret_mismatch')
  expect(unknown.text).toBe(wrong.text)
  const { date: _, ...unknownHeaders } = unknown.headers
  const { date: __, ...wrongHeaders } = wrong.headers
  expect(unknownHeaders).toEqual(wrongHeaders)
})

test('refuses credentials in form and Basic header together, even equal ones (case 6)', async () => {
  const headers = basic(world.a.client_id, world.a.client_secret)
  expectInvalidRequest(await world.token(world.a, {}, { headers }), 'two_transports')
})

describe('a secret in the query (case 7)', () => {
  const query = ({ client_id, client_secret }: World['a']) =>
    `/oauth2/token?client_id=${client_id}&client_secret=${client_secret}`

  test('is refused, and stands in no event', async () => {
    const form = { grant_type: 'client_credentials' }
    const answer = await world.post(query(world.a), form, { certificate: world.a.certificate })
    expect(JSON.stringify(world.events)).not.toContain(world.a.client_secret)
    expectInvalidRequest(answer, 'secret_in_query')
  })

  test('is accepted where the operator says so, and the audit line tells', async () => {
    await world.close()
    world = await openWorld({
      event_listener: [on('mtls-secret', 200, { ClientSecretInQuery: 'accept' })],
    })
    const form = { grant_type: 'client_credentials' }
    const answer = await world.post(query(world.a), form, { certificate: world.a.certificate })
    expect(answer.status).toBe(200)
    expect(JSON.stringify(world.events)).not.toContain(world.a.client_secret)
    expect(world.only('token.issued')).toMatchObject({ secret_in_query: true })
    expectInvalidRequest(
      await world.post(
        query(world.a),
        { ...form, client_secret: 'x' },
        { certificate: world.a.certificate },
      ),
      'two_transports',
    )
    const withoutCertificate = await world.post(query(world.a), form)
    expectRefused(withoutCertificate, 'no_certificate_presented')
  })

  describe('with a client_id that stands in the body, or a secret that does', () => {
    const parts = (id: World['a'], secret: World['a']) =>
      [
        [`/oauth2/token?client_secret=${secret.client_secret}`, { client_id: id.client_id }],
        [`/oauth2/token?client_id=${id.client_id}`, { client_secret: secret.client_secret }],
      ] as const
    const ask = async (setting: string, id: 'a' | 'b', secret: 'a' | 'b', shape: number) => {
      await world.close()
      world = await openWorld({
        event_listener: [on('mtls-secret', 200, { ClientSecretInQuery: setting })],
      })
      const [path = '', form] = parts(world[id], world[secret])[shape] ?? []
      const body = { grant_type: 'client_credentials', ...form }
      return world.post(path, body, { certificate: world.a.certificate })
    }

    test.each([0, 1])(
      'is the same client, and refused or accepted the same way (%i)',
      async (n) => {
        expectInvalidRequest(await ask('refuse', 'a', 'a', n), 'secret_in_query')
        expect((await ask('accept', 'a', 'a', n)).status).toBe(200)
        expect(world.only('token.issued')).toMatchObject({ secret_in_query: true })
        expectRefused(await ask('accept', 'a', 'b', n), 'secret_mismatch')
      },
    )

    test('is refused where one of them stands in both places', async () => {
      await ask('accept', 'a', 'a', 0)
      const { client_id, client_secret } = world.a
      const answer = await world.post(
        `/oauth2/token?client_id=${client_id}&client_secret=${client_secret}`,
        { grant_type: 'client_credentials', client_id },
        { certificate: world.a.certificate },
      )
      expectInvalidRequest(answer, 'two_transports')
    })
  })

  test.each([
    ['refuse', 'secret_in_query'],
    ['accept', 'method_not_allowed'],
  ])(
    'is refused for a client whose own method does not take it there (%s)',
    async (word, reason) => {
      await world.close()
      world = await openWorld({
        a: { token_endpoint_auth_method: 'client_secret_post' },
        event_listener: [
          on('client_secret_post', 95),
          on('mtls-secret', 200, { ClientSecretInQuery: word }),
        ],
      })
      const form = { grant_type: 'client_credentials' }
      const answer = await world.post(query(world.a), form)
      expect(world.only(answer.status === 400 ? 'request.refused' : 'client.rejected').reason).toBe(
        reason,
      )
      // Whether there is such a client, and by which method, is nobody's to learn.
      const unknown = await world.post(query({ ...world.a, client_id: 'nobody' }), form)
      expect([unknown.status, unknown.text]).toEqual([answer.status, answer.text])
    },
  )

  test('its name alone does not tell by which method a client is registered', async () => {
    await world.close()
    world = await openWorld({
      a: { token_endpoint_auth_method: 'client_secret_basic' },
      event_listener: [on('client_secret_basic', 95)],
    })
    const asked = [world.a, world.b, { client_id: 'nobody' }].map(({ client_id }) =>
      world.post(`/oauth2/token?client_id=${client_id}`, { grant_type: 'client_credentials' }),
    )
    const answers = await Promise.all(asked)
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
  })
})

test.each(['client_id', 'client_secret', 'grant_type'])(
  'refuses %s twice in the form (case 8)',
  async (name) => {
    const { client_id, client_secret, certificate } = world.a
    const form: [string, string][] = [
      ['grant_type', 'client_credentials'],
      ['client_id', client_id],
      ['client_secret', client_secret],
    ]
    const again = form.filter(([each]) => each === name)
    const answer = await world.post('/oauth2/token', [...form, ...again], { certificate })
    expectInvalidRequest(answer, 'repeated_parameter')
  },
)

test('refuses two Authorization headers (case 9)', async () => {
  const { authorization } = basic(world.a.client_id, world.a.client_secret)
  const answer = await world.post(
    '/oauth2/token',
    { grant_type: 'client_credentials' },
    {
      certificate: world.a.certificate,
      headers: { authorization: [authorization, authorization] },
    },
  )
  expectInvalidRequest(answer, 'repeated_header')
})

test.each([
  ['no colon', `Basic ${Buffer.from('justaname').toString('base64')}`],
  ['no base64', 'Basic ***'],
  ['nothing', 'Basic '],
  ['trailing words', 'Basic YTpi x'],
  ['an empty name', `Basic ${Buffer.from(':secret').toString('base64')}`],
  ['a malformed percent sign', `Basic ${Buffer.from('a%zz:b').toString('base64')}`],
  ['another scheme', 'Bearer abc'],
])(
  'refuses a Basic header with %s, with a challenge (cases 10 and 11)',
  async (_what, authorization) => {
    const answer = await world.post(
      '/oauth2/token',
      { grant_type: 'client_credentials' },
      { certificate: world.a.certificate, headers: { authorization } },
    )
    expect(answer.headers['www-authenticate']).toBe('Basic realm="oauth2"')
    expectRefused(answer, 'no_client_id')
  },
)

test('decodes Basic credentials, and lets a secret hold ":" and "%" (cases 11 and 12)', async () => {
  const client_secret = 'a:b%c+d e:f and more of it to be long enough'
  const { client } = await world.server.clients.create({
    client_name: 'colon',
    client_id: 'co:lon',
    client_secret,
    certificate: world.a.certificate.cert,
  })
  const answer = await world.post(
    '/oauth2/token',
    { grant_type: 'client_credentials' },
    { certificate: world.a.certificate, headers: basic(client.client_id, client_secret) },
  )
  expect(answer.status).toBe(200)
})

test('does not let an earlier Basic handler speak for an mtls-secret client (case 13)', async () => {
  expect(String(world.server.handlers)).toMatch(
    /^90 client_secret_basic · 95 client_secret_post · 200/,
  )
  const answer = await world.post(
    '/oauth2/token',
    { grant_type: 'client_credentials' },
    { headers: basic(world.a.client_id, world.a.client_secret) },
  )
  expectRefused(answer, 'no_certificate_presented')
})

test('refuses a client of a method that is off, or that it did not use', async () => {
  const { client, client_secret } = await world.server.clients.create({
    client_name: 'basic only',
    token_endpoint_auth_method: 'client_secret_basic',
  })
  const { client_id } = client
  const form = { grant_type: 'client_credentials', client_id, client_secret: client_secret ?? '' }
  expectRefused(await world.post('/oauth2/token', form), 'method_not_allowed')
  const right = await world.post(
    '/oauth2/token',
    { grant_type: 'client_credentials' },
    { headers: basic(client_id, client_secret ?? '') },
  )
  expect(right.status).toBe(200)
})

test('binds the token of a Basic client to the certificate that it happens to show', async () => {
  const { client, client_secret } = await world.server.clients.create({
    client_name: 'basic with certificate',
    token_endpoint_auth_method: 'client_secret_basic',
  })
  const answer = await world.post(
    '/oauth2/token',
    { grant_type: 'client_credentials' },
    {
      certificate: world.certificates.stranger,
      headers: basic(client.client_id, client_secret ?? ''),
    },
  )
  const { cnf } = claimsOf(answer.json.access_token)
  expect(cnf?.['x5t#S256']).toHaveLength(43)
})

describe('MandateMutualSSL (cases 14 and 15)', () => {
  const modes = [true, 'observe', false] as const

  test.each(modes)(
    '%s: a client with a registered certificate needs it',
    async (MandateMutualSSL) => {
      await world.close()
      world = await openWorld({ event_listener: [on('mtls-secret', 200, { MandateMutualSSL })] })
      expectRefused(
        await world.token(world.a, {}, { certificate: undefined }),
        'no_certificate_presented',
      )
      expect((await world.token(world.a)).status).toBe(200)
    },
  )

  test.each(modes)('%s: a client registered to go without', async (MandateMutualSSL) => {
    await world.close()
    world = await openWorld({
      a: { without_certificate: true },
      event_listener: [on('mtls-secret', 200, { MandateMutualSSL })],
    })
    const answer = await world.token(world.a, {}, { certificate: undefined })
    if (MandateMutualSSL === true) return expectRefused(answer, 'no_certificate_registered')
    expect(answer.status).toBe(200)
    expect(claimsOf(answer.json.access_token).cnf).toBeUndefined()
    const event = world.only('token.issued')
    expect(event.would_be_refused).toBe(MandateMutualSSL === 'observe' ? true : undefined)
    const wrong = await world.token(world.a, { client_secret: 'wrong' }, { certificate: undefined })
    expectRefused(wrong, 'secret_mismatch')
  })

  test.each(modes)('%s: a client whose last certificate was removed is locked', async (mandate) => {
    await world.close()
    world = await openWorld({
      event_listener: [on('mtls-secret', 200, { MandateMutualSSL: mandate })],
    })
    await world.server.clients.removeCertificate(world.a.client_id, world.a.thumbprint)
    expectRefused(await world.token(world.a), 'no_certificate_registered')
  })

  test('a store that fails while the client is looked up is 503, never the secret alone', async () => {
    await world.close()
    const store = memoryStore()
    world = await openWorld({
      store,
      a: { without_certificate: true },
      event_listener: [on('mtls-secret', 200, { MandateMutualSSL: false })],
    })
    store.findClient = () => {
      throw new Error('the disk is gone')
    }
    await world.server.clients.rotateSecret(world.b.client_id)
    const answer = await world.token(world.a, {}, { certificate: undefined })
    expect(answer.status).toBe(503)
    expect(answer.json.error).toBe('temporarily_unavailable')
    expect(answer.headers['retry-after']).toBeTruthy()
    expect(answer.text).not.toContain('disk')
    expect(world.only('request.failed')).toMatchObject({ problem: 'Error: the disk is gone' })
  })
})

test('refuses a client from the moment it is disabled, deleted or its secret replaced (case 16)', async () => {
  const { clients } = world.server
  expect((await world.token(world.a)).status).toBe(200)
  await clients.disable(world.a.client_id)
  world.events.length = 0
  expectRefused(await world.token(world.a), 'client_disabled')
  await clients.enable(world.a.client_id)
  expect((await world.token(world.a)).status).toBe(200)

  await clients.rotateSecret(world.a.client_id, { overlap: 60 })
  expect((await world.token(world.a)).status).toBe(200)
  world.clock.advance(61)
  world.events.length = 0
  expectRefused(await world.token(world.a), 'secret_expired')
  await clients.rotateSecret(world.a.client_id)
  expectRefused(await world.token(world.a), 'secret_mismatch')

  expect((await world.token(world.b)).status).toBe(200)
  await clients.remove(world.b.client_id)
  world.events.length = 0
  expectRefused(await world.token(world.b), 'unknown_client')
})

test.each(['client_id', 'client_secret', 'username', 'password'])(
  'refuses a %s of more than 512 bytes before anything is hashed (case 18)',
  async (name) => {
    const longest = await world.token(world.a, {
      username: 'a',
      password: 'b',
      [name]: 'x'.repeat(512),
    })
    expect(longest.json.error).not.toBe('invalid_request')
    world.events.length = 0
    expectInvalidRequest(
      await world.token(world.a, { [name]: 'x'.repeat(513) }),
      'parameter_too_long',
    )
    world.events.length = 0
    expectInvalidRequest(
      await world.token(world.a, { [name]: 'é'.repeat(257) }),
      name === 'client_id' ? 'parameter_too_long' : 'parameter_too_long',
    )
  },
)

test('refuses a line feed that is part of a client_id, and drops one that is not', async () => {
  const { client_id, client_secret, certificate } = world.a
  const form = (id: string) =>
    `grant_type=client_credentials&client_id=${id}&client_secret=${client_secret}`
  expect(
    (await world.post('/oauth2/token', form(`${client_id}\r\n`), { certificate })).status,
  ).toBe(200)
  world.events.length = 0
  expectInvalidRequest(
    await world.post('/oauth2/token', form(`${client_id}%0A`), { certificate }),
    'malformed_parameter',
  )
})

describe('a handler that misbehaves lets nobody in (case 78)', () => {
  const misbehave: Record<string, () => unknown> = {
    throws: () => {
      throw new Error('out of order')
    },
    rejects: () => Promise.reject(new Error('out of order')),
    'answers true': () => true,
    'answers a look-alike of a verdict': () => ({ accepted: true, reason: undefined }),
    'answers nothing': () => undefined,
  }
  const plugin = (authenticate: () => unknown) =>
    definePlugin({
      name: 'odd',
      order: 240,
      setup: () => ({
        clientAuth: {
          recognise: ({ client_id }) => client_id,
          authenticate: authenticate as () => never,
        },
      }),
    })

  test.each(Object.entries(misbehave))('%s', async (_what, authenticate) => {
    await world.close()
    world = await openWorld({
      plugins: [...standardPlugins, plugin(authenticate)],
      a: { token_endpoint_auth_method: 'odd' },
    })
    world.events.length = 0
    expectRefused(await world.token(world.a), 'handler_failed')
    expect((await world.token(world.b)).status).toBe(200)
  })

  test('never settles', async () => {
    await world.close()
    world = await openWorld({
      plugins: [...standardPlugins, plugin(() => new Promise(() => undefined))],
      a: { token_endpoint_auth_method: 'odd' },
    })
    expectRefused(await world.token(world.a), 'handler_timeout')
    expect((await world.token(world.b)).status).toBe(200)
  })

  test('changes the request: the next handler sees it clean (case 79)', async () => {
    const vandal = definePlugin({
      name: 'vandal',
      order: 10,
      setup: () => ({
        clientAuth: {
          recognise(request) {
            const change = request as unknown as Record<string, never>
            for (const name of ['client_id', 'client_secret', 'parameters', 'certificate']) {
              expect(() => Object.assign(change, { [name]: 'mine' })).toThrow(TypeError)
            }
            expect(() => Object.assign(request.parameters, { scope: 'mine' })).toThrow(TypeError)
            expect(() => Object.assign(request.headers, { authorization: 'mine' })).toThrow(
              TypeError,
            )
            request.certificate?.der.fill(0)
            return undefined
          },
          authenticate: () => undefined as never,
        },
      }),
    })
    await world.close()
    world = await openWorld({ plugins: [...standardPlugins, vandal] })
    const answer = await world.token(world.a)
    expect(answer.status).toBe(200)
    expect(world.events.filter(({ event }) => event === 'handler.failed')).toEqual([])
  })
})

test('refuses a request in which two handlers see two clients', async () => {
  const other = definePlugin({
    name: 'other',
    order: 240,
    setup: () => ({
      clientAuth: {
        recognise: ({ headers }) => headers['x-other-client'],
        authenticate: () => undefined as never,
      },
    }),
  })
  await world.close()
  world = await openWorld({ plugins: [...standardPlugins, other] })
  const headers = { 'x-other-client': world.b.client_id }
  expectInvalidRequest(await world.token(world.a, {}, { headers }), 'two_client_ids')
})
