import {
  authorizationOf,
  authorizePath,
  callbackOf,
  openBrowser,
  openPeopleWorld,
  redeem,
} from '../support/browser'
import type { Person, World } from '../support/world'

/** RFC 9126: the client pushes its request itself, and the browser carries only a name for it. */
let world: World
beforeAll(async () => {
  world = await openPeopleWorld()
})
afterAll(() => world.close())
beforeEach(() => {
  world.events.length = 0
})

const push = (person: Person, fields: Record<string, string | undefined> = {}, by = {}) => {
  const { client_id, client_secret, certificate } = person
  const form = authorizationOf(person, { client_id, client_secret, ...fields })
  return world.post('/oauth2/par', form, { certificate, ...by })
}

const visit = (person: Person, request_uri: string, more: Record<string, string> = {}) =>
  openBrowser(world).visit(authorizePath({ client_id: person.client_id, request_uri, ...more }))

test('a pushed request is answered with a name, and ends in a code', async () => {
  const { status, json, headers } = await push(world.a)
  expect(status).toBe(201)
  expect(headers['cache-control']).toBe('no-store')
  expect(json).toEqual({
    request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[\w-]{43}$/),
    expires_in: 60,
  })
  const { client_id } = world.a
  const path = authorizePath({ client_id, request_uri: json.request_uri })
  const { location } = await openBrowser(world).allow(path)
  expect(location?.searchParams.get('state')).toBe('state-of-a')
  const token = await world.token(world.a, redeem(location?.searchParams.get('code') ?? ''))
  expect(token.status).toBe(200)
  expect(token.json.scope).toBe('openid accounts:read')
})

test('the client is authenticated as at the token endpoint', async () => {
  const bare = await push(world.a, {}, { certificate: undefined })
  expect(bare.status).toBe(401)
  expect(bare.json.error).toBe('invalid_client')
  expect(world.only('client.rejected').reason).toBe('no_certificate_presented')
  const stolen = await push(world.a, {}, { certificate: world.b.certificate })
  expect(stolen.text).toBe(bare.text)
})

test('a request is judged when it is pushed, and the client is told in JSON', async () => {
  const cases: [Record<string, string | undefined>, string][] = [
    [{ redirect_uri: callbackOf('b') }, 'invalid_request'],
    [{ redirect_uri: undefined }, 'invalid_request'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ code_challenge: undefined }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ scope: 'root' }, 'invalid_scope'],
    [{ resource: 'https://x.example' }, 'invalid_target'],
    [{ request: 'a.b.c' }, 'request_not_supported'],
    [{ request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'invalid_request'],
  ]
  for (const [fields, error] of cases) {
    const { status, json } = await push(world.a, fields)
    expect({ fields, status, error: json.error }).toEqual({ fields, status: 400, error })
  }
})

test('a pushed request is used once', async () => {
  const { request_uri } = (await push(world.a)).json
  expect((await visit(world.a, request_uri)).status).toBe(200)
  world.events.length = 0
  const again = await visit(world.a, request_uri)
  expect(again.status).toBe(400)
  expect(again.location).toBeUndefined()
  expect(world.only('request.refused').reason).toBe('unknown_request_uri')
})

test('a HEAD is 405 and leaves a pushed request to the browser that was sent', async () => {
  const { request_uri } = (await push(world.a)).json
  const path = authorizePath({ client_id: world.a.client_id, request_uri })
  const looked = await world.get(path, { method: 'HEAD' })
  expect(looked.status).toBe(405)
  expect(looked.headers.allow).toBe('GET, POST')
  expect(looked.headers['set-cookie']).toBeUndefined()
  expect((await visit(world.a, request_uri)).status).toBe(200)
})

test('a pushed request ends after a minute', async () => {
  const { request_uri } = (await push(world.a)).json
  world.clock.advance(61)
  expect((await visit(world.a, request_uri)).status).toBe(400)
})

test('a pushed request is nobody else’s: the client_id must be its own', async () => {
  const { request_uri } = (await push(world.a)).json
  const answer = await visit(world.b, request_uri)
  expect(answer.status).toBe(400)
  expect(answer.location).toBeUndefined()
  expect(world.only('request.refused').reason).toBe('request_uri_of_another_client')
  const { request_uri: other } = (await push(world.a)).json
  expect((await openBrowser(world).visit(authorizePath({ request_uri: other }))).status).toBe(400)
})

test('what stands in the link beside a request_uri counts for nothing', async () => {
  const { request_uri } = (await push(world.a, { scope: 'openid' })).json
  const more = { scope: 'accounts:write', state: 'forged', redirect_uri: callbackOf('b') }
  const path = authorizePath({ client_id: world.a.client_id, request_uri, ...more })
  const { location } = await openBrowser(world).allow(path)
  expect(location?.href.startsWith(`${callbackOf('a')}?`)).toBe(true)
  expect(location?.searchParams.get('state')).toBe('state-of-a')
  const token = await world.token(world.a, redeem(location?.searchParams.get('code') ?? ''))
  expect(token.json.scope).toBe('openid')
})

test('a request_uri that is a URL is never fetched', async () => {
  const answer = await visit(world.a, `${world.url}/health`)
  expect(answer.status).toBe(400)
  expect(world.only('request.refused').reason).toBe('unknown_request_uri')
})

test('another method than POST is 405', async () => {
  expect((await world.get('/oauth2/par')).status).toBe(405)
})
