import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { type Answer, openWorld, type World } from '../support/world'

/** security.md, J: what is not exactly a form is refused with a code, never half-read, never a 500. */
let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())
beforeEach(() => {
  world.events.length = 0
})

function expectRefused(
  answer: Answer,
  status: number,
  reason: string,
  error = 'invalid_request',
): void {
  expect(answer.status).toBe(status)
  expect(answer.json).toEqual({ error, error_description: expect.any(String) })
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(world.only('request.refused')).toMatchObject({ error, reason })
}

const good = () => ({
  grant_type: 'client_credentials',
  client_id: world.a.client_id,
  client_secret: world.a.client_secret,
})
const form = () => new URLSearchParams(good()).toString()
const certificate = () => world.a.certificate

test.each([
  ['JSON', 'application/json'],
  ['multipart', 'multipart/form-data; boundary=x'],
  ['a doubled type', 'application/x-www-form-urlencoded, application/x-www-form-urlencoded'],
  ['a type that only begins alike', 'application/x-www-form-urlencoded-not'],
])('refuses %s (case 85)', async (_what, type) => {
  const answer = await world.post('/oauth2/token', form(), {
    certificate: certificate(),
    headers: { 'content-type': type },
  })
  expectRefused(answer, 400, 'content_type')
})

test('refuses two Content-Type headers (case 85)', async () => {
  const type = 'application/x-www-form-urlencoded'
  const answer = await raw(
    `POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Type: ${type}\r\nContent-Length: 3\r\nConnection: close\r\n\r\na=b`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(world.only('request.refused').reason).toBe('repeated_header')
})

test('refuses no Content-Type (case 85)', async () => {
  const answer = await raw(
    'POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\na=b',
  )
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(world.only('request.refused').reason).toBe('content_type')
})

test.each(['; charset=utf-8', '; charset=UTF-8', ';charset="utf-8"'])(
  'takes %s',
  async (charset) => {
    const answer = await world.post('/oauth2/token', form(), {
      certificate: certificate(),
      headers: { 'content-type': `application/x-www-form-urlencoded${charset}` },
    })
    expect(answer.status).toBe(200)
  },
)

test.each(['iso-8859-1', 'utf-16', 'utf-7'])('refuses charset %s (case 86)', async (charset) => {
  const answer = await world.post('/oauth2/token', form(), {
    certificate: certificate(),
    headers: { 'content-type': `application/x-www-form-urlencoded; charset=${charset}` },
  })
  expectRefused(answer, 415, 'charset')
})

test.each(['gzip', 'deflate', 'br', 'x-unknown'])(
  'unpacks no %s body (case 86)',
  async (encoding) => {
    const answer = await world.post('/oauth2/token', gzipSync('a'.repeat(1_000_000)), {
      certificate: certificate(),
      headers: { 'content-encoding': encoding },
    })
    expectRefused(answer, 415, 'content_encoding')
  },
)

test('takes a body of 16,384 bytes and refuses one more (case 86)', async () => {
  const pad = (length: number) => `${form()}&pad=`.padEnd(length, 'x')
  const longest = await world.post('/oauth2/token', pad(16_384), { certificate: certificate() })
  expect(longest.status).toBe(200)
  world.events.length = 0
  expectRefused(
    await world.post('/oauth2/token', pad(16_385), { certificate: certificate() }),
    413,
    'body_too_large',
  )
})

test('refuses a chunked body from the byte on that is too many (case 86)', async () => {
  const answer = await raw(
    `POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n4001\r\n${'x'.repeat(0x4001)}\r\n0\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  expect(answer).toMatch(/connection: close/i)
})

test('takes 20 parameters and refuses 21 (case 86)', async () => {
  const more = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, 'x']))
  const most = await world.post(
    '/oauth2/token',
    { ...good(), ...more(17) },
    { certificate: certificate() },
  )
  expect(most.status).toBe(200)
  world.events.length = 0
  const answer = await world.post(
    '/oauth2/token',
    { ...good(), ...more(18) },
    { certificate: certificate() },
  )
  expectRefused(answer, 400, 'too_many_parameters')
})

test.each(['%zz', '%', '%f', '%ff', '%00', '%c0%80', '%ed%a0%80', '%EF%BF%BD', 'a%00b'])(
  'refuses %s in a value or a name (case 87)',
  async (bad) => {
    const value = await world.post('/oauth2/token', `${form()}&scope=${bad}`, {
      certificate: certificate(),
    })
    expectRefused(value, 400, 'malformed_parameter')
    const name = await world.post('/oauth2/token', `${form()}&${bad}=x`, {
      certificate: certificate(),
    })
    expectRefused(name, 400, 'malformed_parameter')
  },
)

test('refuses bytes that are no UTF-8 (case 87)', async () => {
  const body = Buffer.concat([Buffer.from(`${form()}&x=`), Buffer.from([0xff, 0xfe])])
  expectRefused(
    await world.post('/oauth2/token', body, { certificate: certificate() }),
    400,
    'malformed_parameter',
  )
})

test('treats an empty value as left out (case 87)', async () => {
  const answer = await world.post(
    '/oauth2/token',
    { ...good(), scope: '' },
    { certificate: certificate() },
  )
  expect(answer.json).toMatchObject({ scope: 'accounts:read accounts:write' })
})

test.each([
  '__proto__',
  'hasOwnProperty',
  'toString',
  'constructor[prototype][x]',
  'constructor',
  'a[]',
])('is not moved by a field named %s (case 88)', async (name) => {
  const answer = await world.post(
    '/oauth2/token',
    { ...good(), [name]: 'x' },
    { certificate: certificate() },
  )
  expect(answer.status).toBe(200)
  expect(({} as Record<string, unknown>).x).toBeUndefined()
})

const head =
  'POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n'
test.each([
  [
    'Content-Length and Transfer-Encoding',
    `${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ['two Content-Lengths', `${head}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
  ['a folded header', `${head}X-A: b\r\n c\r\nContent-Length: 3\r\n\r\na=b`],
  ['a bare LF', `${head}X-A: b\nX-C: d\r\nContent-Length: 3\r\n\r\na=b`],
  ['a space before the colon', `${head}X-A : b\r\nContent-Length: 3\r\n\r\na=b`],
  ['a NUL in a header', `${head}X-A: b\0c\r\nContent-Length: 3\r\n\r\na=b`],
])('refuses %s and closes (case 89)', async (_what, text) => {
  expect(await raw(text)).toMatch(/^HTTP\/1\.1 400 /)
  expect(world.events.some(({ event }) => event === 'token.issued')).toBe(false)
})

test('judges three pipelined requests apart and in order (case 90)', async () => {
  const request = (body: string, close = false) =>
    `${head}Content-Length: ${body.length}\r\n${close ? 'Connection: close\r\n' : ''}\r\n${body}`
  const answer = await raw(
    request(form()) +
      request(new URLSearchParams({ ...good(), client_secret: 'wrong' }).toString()) +
      request(form(), true),
    world.a.certificate,
  )
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 401', 'HTTP/1.1 200'])
})

test('issues nothing for a body that was cut short (case 91)', async () => {
  await raw(
    `${head}Content-Length: ${form().length + 5}\r\n\r\n${form()}`,
    world.a.certificate,
    true,
  )
  expect((await world.token(world.b)).status).toBe(200)
  expect(world.events.filter(({ event }) => event === 'token.issued')).toHaveLength(1)
})

test.each(['GET', 'PUT', 'DELETE', 'PATCH'])(
  'answers %s with 405 and Allow (case 92)',
  async (method) => {
    const answer = await world.get('/oauth2/token', { method, certificate: certificate() })
    expect(answer.headers.allow).toBe('POST')
    expectRefused(answer, 405, 'method_not_supported')
  },
)

test.each(['HEAD', 'OPTIONS', 'TRACE'])('answers %s with 405 (case 92)', async (method) => {
  const answer = await world.get('/oauth2/token', { method, certificate: certificate() })
  expect(answer.status).toBe(405)
  expect(answer.headers.allow).toBe('POST')
})

test('refuses a grant that is missing, unknown, misspelt or not the client’s (case 92)', async () => {
  const { grant_type: _, ...none } = good()
  expectRefused(
    await world.post('/oauth2/token', none, { certificate: certificate() }),
    400,
    'missing_parameter',
  )
  for (const grant_type of ['telepathy', 'PASSWORD', 'toString', '__proto__']) {
    expectRefused(
      await world.token(world.a, { grant_type }),
      400,
      'unknown_grant_type',
      'unsupported_grant_type',
    )
  }
  const { client, client_secret } = await world.server.clients.create({
    client_name: 'narrow',
    grant_types: ['client_credentials'],
    certificate: world.a.certificate.cert,
  })
  const fields = { grant_type: 'password', username: 'admin', password: 'admin' }
  const person = { ...world.a, client_id: client.client_id, client_secret: client_secret ?? '' }
  expectRefused(await world.token(person, fields), 400, 'grant_not_allowed', 'unauthorized_client')
})

/** Bytes as they are, on a connection of their own; what came back until it was closed. */
function raw(text: string, by?: World['a']['certificate'], cut = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const { port } = world.https.address() as AddressInfo
    const socket = connect({
      host: '127.0.0.1',
      servername: 'localhost',
      port,
      ca: world.certificates.ca.certificatePem,
      ...by,
    })
    let answer = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve(answer) : reject(error),
    )
    socket.once('close', () => resolve(answer))
    socket.write(text, 'latin1', () => {
      if (cut) socket.end()
    })
  })
}
