import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import express, { type Express } from 'express'
import { sign } from 'jsonwebtoken'
import { requireToken } from '../../lib'
import { memoryStore } from '../../lib/store'
import type { SigningKey } from '../../lib/token/key-files'
import { signJwt } from '../../lib/token/sign'
import { type Answer, type Caller, openWorld, type World } from '../support/world'

/** security.md, D: what a resource route must not take for an access token, and from whom. */
let world: World
let store: ReturnType<typeof memoryStore>
beforeEach(async () => {
  store = memoryStore()
  world = await openWorld({ store })
})
afterEach(() => world.close())

const key = (): SigningKey => {
  const signing = world.server.keys.signing()
  if (signing === undefined) throw new Error('no key')
  return signing
}
const seconds = () => Math.floor(world.clock.now() / 1000)

function claims(changed: Record<string, unknown> = {}): Record<string, unknown> {
  const whole = {
    iss: world.url,
    sub: world.a.client_id,
    aud: world.url,
    client_id: world.a.client_id,
    jti: 'grant.token',
    iat: seconds(),
    exp: seconds() + 60,
    cnf: { 'x5t#S256': world.a.thumbprint },
    ...changed,
  }
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined))
}

const made = (changed: Record<string, unknown> = {}, typ = 'at+jwt') =>
  signJwt(key(), typ, claims(changed))

/** Header and claims as they are, with whatever signature. */
function raw(header: object, body: object, signature: string): string {
  return [header, body]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat(signature)
    .join('.')
}

const me = (token: string, by: Caller = {}): Promise<Answer> =>
  world.get('/me', {
    certificate: world.a.certificate,
    ...by,
    headers: { authorization: `Bearer ${token}`, ...by.headers },
  })

function expectInvalid(answer: Answer): void {
  expect(answer.status).toBe(401)
  expect(answer.json).toEqual({
    error: 'invalid_token',
    error_description: 'The access token is missing, expired, revoked or not valid here.',
  })
  expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/)
  expect(answer.headers['cache-control']).toBe('no-store')
}

test('lets in a token of the issuer, for it, bound to the certificate shown', async () => {
  const sent = claims()
  const answer = await me(signJwt(key(), 'at+jwt', sent))
  expect(answer.status).toBe(200)
  expect(answer.json).toEqual(sent)
})

describe('40: the key says which algorithm it is for, never the token', () => {
  test('alg none', async () => {
    for (const alg of ['none', 'None', 'NONE']) {
      const { kid } = key()
      expectInvalid(await me(raw({ alg, typ: 'at+jwt', kid }, claims(), 'AA')))
      expectInvalid(await me(raw({ alg, typ: 'at+jwt', kid }, claims(), '')))
    }
  })

  test('HS256 keyed with the public key (CVE-2015-9235)', async () => {
    const { kid, publicKey } = key()
    const secrets = [
      publicKey.export({ type: 'spki', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(publicKey.export({ format: 'jwk' })),
    ]
    for (const secret of secrets) {
      const text = raw({ alg: 'HS256', typ: 'at+jwt', kid }, claims(), '').slice(0, -1)
      const mac = createHmac('sha256', secret).update(text).digest('base64url')
      expectInvalid(await me(`${text}.${mac}`))
    }
  })

  test.each(['ES384', 'RS256', 'PS256', 'EdDSA', 'ES256K', 'x'])(
    '%s under an ES256 key',
    async (alg) => {
      const [, body = '', signature = ''] = made().split('.')
      const header = Buffer.from(JSON.stringify({ alg, typ: 'at+jwt', kid: key().kid }))
      expectInvalid(await me(`${header.toString('base64url')}.${body}.${signature}`))
    },
  )

  test('a key of the token’s own, in jwk, jku, x5u or x5c', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = publicKey.export({ format: 'jwk' })
    for (const own of [{ jwk }, { jku: 'https://127.0.0.1:1/' }, { x5u: 'https://127.0.0.1:1/' }]) {
      const header = { alg: 'ES256' as const, typ: 'at+jwt', kid: key().kid, ...own }
      expectInvalid(await me(sign(claims(), privateKey, { algorithm: 'ES256', header })))
    }
  })

  test('another server’s ES256 key under our kid', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const header = { alg: 'ES256' as const, typ: 'at+jwt', kid: key().kid }
    expectInvalid(await me(sign(claims(), privateKey, { algorithm: 'ES256', header })))
  })
})

describe('41: a kid is looked up among the known keys, and nowhere else', () => {
  test.each([
    ['an unknown one', 'unknown'],
    ['a path', '../../dev/null'],
    ['an absolute path', '/dev/null'],
    ['SQL', "' OR 1=1--"],
    ['a URL', 'https://127.0.0.1:1/'],
    ['a member of every object', '__proto__'],
    ['nothing', ''],
    ['10 KiB', 'k'.repeat(10_240)],
    ['a number', 7],
    ['none at all', undefined],
  ])('%s', async (_, kid) => {
    // What changed since the start is read once, whoever asks; a made-up kid asks for no more.
    await world.server.keys.jwks()
    const listed = jest.spyOn(store, 'listKeys')
    const [, body = '', signature = ''] = made().split('.')
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid }))
    const answer = await me(`${header.toString('base64url')}.${body}.${signature}`)
    expectInvalid(answer)
    expect(listed).not.toHaveBeenCalled()
  })
})

describe('42: a token is for whom it names', () => {
  test('one audience of several may be ours', async () => {
    expect((await me(made({ aud: ['https://other.example', world.url] }))).status).toBe(200)
  })

  test.each<[string, () => unknown]>([
    ['none', () => undefined],
    ['another', () => 'https://other.example'],
    ['a prefix of ours', () => world.url.slice(0, -1)],
    ['ours and more', () => `${world.url}/`],
    ['ours in capitals', () => world.url.toUpperCase()],
    ['an empty list', () => []],
    ['a list in a list', () => [[world.url, 'x'].join()]],
    ['no text', () => 7],
    ['an object', () => ({ [world.url]: true })],
  ])('audience: %s', async (_, aud) => {
    expectInvalid(await me(made({ aud: aud() })))
  })

  test.each<[string, () => unknown]>([
    ['none', () => undefined],
    ['another', () => 'https://other.example'],
    ['ours with a slash', () => `${world.url}/`],
    ['a list with ours', () => [world.url]],
  ])('issuer: %s', async (_, iss) => {
    expectInvalid(await me(made({ iss: iss() })))
  })
})

describe('43: no other JWT of ours is an access token (RFC 8725 section 3.11)', () => {
  test.each(['JWT', 'token-introspection+jwt', 'logout+jwt', 'at+jwt2', 'xat+jwt', ''])(
    'typ %j',
    async (typ) => {
      expectInvalid(await me(made({}, typ)))
    },
  )

  test('no typ', async () => {
    const header = { alg: 'ES256' as const, kid: key().kid, typ: undefined }
    const token = sign(claims(), key().privateKey, { algorithm: 'ES256', header })
    expectInvalid(await me(token))
  })

  test('at+jwt in capitals, or as a whole media type, is one (RFC 9068 section 4)', async () => {
    for (const typ of ['AT+JWT', 'application/at+jwt']) {
      expect((await me(made({}, typ))).status).toBe(200)
    }
  })
})

describe('44: a bound token is worth nothing without its certificate (RFC 8705 section 3)', () => {
  test('without cnf', async () => {
    expectInvalid(await me(made({ cnf: undefined })))
  })

  test.each([
    ['a key of another kind', { jkt: 'x' }],
    ['an empty confirmation', {}],
    ['SHA-1', { x5t: 'x' }],
    ['no text', { 'x5t#S256': 7 }],
    ['nothing', null],
    ['text', 'x5t#S256'],
  ])('confirmed by %s', async (_, cnf) => {
    expectInvalid(await me(made({ cnf })))
  })

  test('without certificate', async () => {
    expectInvalid(await me(made(), { certificate: undefined }))
  })

  test('with another trusted client’s certificate', async () => {
    expectInvalid(await me(made(), { certificate: world.b.certificate }))
  })

  test('with a certificate of the same name and another key', async () => {
    expectInvalid(await me(made(), { certificate: world.certificates.stranger }))
  })
})

describe('45: a token has an end', () => {
  test.each<[string, () => Record<string, unknown>]>([
    ['none', () => ({ exp: undefined })],
    ['as text', () => ({ exp: String(seconds() + 60) })],
    ['nothing', () => ({ exp: null })],
    ['past', () => ({ exp: seconds() - 1 })],
    ['just now', () => ({ exp: seconds() })],
    ['not yet begun', () => ({ nbf: seconds() + 32 })],
    ['begun as text', () => ({ nbf: '0' })],
  ])('%s', async (_, changed) => {
    expectInvalid(await me(made(changed())))
  })

  test('the issuer’s clock may be ahead by half a minute', async () => {
    expect((await me(made({ nbf: seconds() + 29 }))).status).toBe(200)
  })

  test('it is over to the second', async () => {
    const token = made({ exp: seconds() + 60 })
    world.clock.advance(58)
    expect((await me(token)).status).toBe(200)
    world.clock.advance(3)
    expectInvalid(await me(token))
  })
})

describe('46: what is not exactly a JWT is refused unread, soon', () => {
  const long = 'x'.repeat(9_000)

  test('an unknown crit (RFC 7515 section 4.1.11)', async () => {
    for (const crit of [['x'], [], 'x', ['b64']]) {
      const header = { alg: 'ES256' as const, typ: 'at+jwt', kid: key().kid, crit, b64: true }
      const token = sign(claims(), key().privateKey, {
        algorithm: 'ES256',
        header: header as never,
      })
      expectInvalid(await me(token))
    }
  })

  test.each<[string, (token: string) => string]>([
    ['padding', (token) => `${token}=`],
    ['padding within', (token) => token.replace('.', '=.')],
    ['a blank within', (token) => token.replace('.', ' .')],
    ['a tab within', (token) => token.replace('.', '\t.')],
    ['five segments', (token) => `${token}.x.y`],
    ['two segments', (token) => token.split('.').slice(0, 2).join('.')],
    ['an empty segment', (token) => token.replace(/\.[^.]*$/, '.')],
    ['base64 instead of base64url', (token) => `${token.slice(0, -2)}+/`],
    ['JSON', () => '{"alg":"ES256"}'],
    ['a header that is no JSON', (token) => `eHg.${token.split('.').slice(1).join('.')}`],
    ['a header that is a list', (token) => `W10.${token.split('.').slice(1).join('.')}`],
    ['a header that is null', (token) => `bnVsbA.${token.split('.').slice(1).join('.')}`],
    ['9,000 characters', () => long],
    ['9,000 characters of a JWT', (token) => `${token}${long}`],
    ['dots', () => '.'.repeat(8_000)],
  ])('%s', async (_, change) => {
    const started = performance.now()
    expectInvalid(await me(change(made())))
    expect(performance.now() - started).toBeLessThan(500)
  })

  test('a changed signature, claim or header', async () => {
    const [header = '', body = '', signature = ''] = made().split('.')
    const other = Buffer.from(JSON.stringify(claims({ sub: world.b.client_id }))).toString(
      'base64url',
    )
    expectInvalid(await me([header, other, signature].join('.')))
    const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
    expectInvalid(await me([header, body, flipped].join('.')))
    expectInvalid(await me([header, body, randomBytes(64).toString('base64url')].join('.')))
    // CVE-2022-21449: a signature of zeros.
    expectInvalid(await me([header, body, Buffer.alloc(64).toString('base64url')].join('.')))
  })

  test('5 MB never get as far', async () => {
    // The answer comes while most of it is still being sent, so it may be lost with the connection.
    const answer = await me('x'.repeat(5_000_000)).then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => error.code,
    )
    expect([431, 'ECONNRESET', 'EPIPE']).toContain(answer)
  })
})

describe('47: the token stands in one Authorization line, and nowhere else', () => {
  test('in the query it is not read', async () => {
    const answer = await world.get(`/me?access_token=${made()}`, {
      certificate: world.a.certificate,
    })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="oauth2"')
  })

  test('in a body it is not read', async () => {
    const answer = await world.post(
      '/me',
      { access_token: made() },
      { certificate: world.a.certificate },
    )
    expect(answer.status).not.toBe(200)
  })

  test.each(['bEaReR', 'BEARER', 'bearer', 'Bearer  '])('the scheme is %j', async (scheme) => {
    const headers = { authorization: `${scheme} ${made()}` }
    expect((await me('', { headers })).status).toBe(200)
  })

  test.each(['Basic', 'DPoP', 'MAC', 'Bearerx', ''])('the scheme is not %j', async (scheme) => {
    const headers = { authorization: `${scheme} ${made()}` }
    expect((await me('', { headers })).status).toBe(401)
  })

  test('two lines are malformed, whichever comes first', async () => {
    const one = `Bearer ${made()}`
    for (const authorization of [
      [one, 'Bearer x'],
      ['Bearer x', one],
      [one, one],
    ]) {
      const answer = await me('', { headers: { authorization } })
      expect(answer.status).toBe(400)
      expect(answer.json.error).toBe('invalid_request')
    }
  })
})

test('48: a token outlives its client at a route that asks nobody, by no more than its life', async () => {
  const { access_token } = (await world.token(world.a)).json
  await world.server.clients.disable(world.a.client_id)
  expect((await me(access_token)).status).toBe(200)
  world.clock.advance(3600)
  expectInvalid(await me(access_token))
})

describe('the scope of the route', () => {
  const accounts = (token: string) =>
    world.get('/accounts', {
      certificate: world.a.certificate,
      headers: { authorization: `Bearer ${token}` },
    })

  test('is needed whole, and the answer says which', async () => {
    expect((await accounts(made({ scope: 'x accounts:read' }))).status).toBe(200)
    for (const scope of [undefined, '', 'accounts', 'accounts:read2', 'ACCOUNTS:READ']) {
      const answer = await accounts(made({ scope }))
      expect(answer.status).toBe(403)
      expect(answer.json.error).toBe('insufficient_scope')
      expect(answer.headers['www-authenticate']).toBe(
        'Bearer error="insufficient_scope", scope="accounts:read"',
      )
    }
  })

  test('is looked at only in a token that is the caller’s', async () => {
    const answer = await world.get('/accounts', {
      certificate: world.b.certificate,
      headers: { authorization: `Bearer ${made({ scope: 'accounts:read' })}` },
    })
    expectInvalid(answer)
  })
})

describe('options that would weaken the check by mistake are refused', () => {
  const keys = { find: async () => undefined }
  const refused = (options: object) => () => requireToken(options as never)

  test.each<[string, object, RegExp]>([
    ['no issuer', { keys }, /needs an issuer/],
    ['no keys', { issuer: 'https://id.example' }, /keys or introspect/],
    ['a key set that is none', { issuer: 'x', keys: {} }, /no function find/],
    ['a misspelt option', { issuer: 'x', keys, audiance: 'y' }, /Did you mean audience\?/],
    [
      'a misspelt binding',
      { issuer: 'x', keys, binding: 'require' },
      /'required' or 'when-present'/,
    ],
    [
      'keys and introspection at once',
      { issuer: 'x', keys, introspect: { endpoint: 'https://x', client_id: 'y' } },
      /one of them only/,
    ],
    [
      'introspection without TLS',
      { issuer: 'x', introspect: { endpoint: 'http://x', client_id: 'y' } },
      /https/,
    ],
  ])('%s', (_, options, message) => {
    expect(refused(options)).toThrow(message)
  })
})

test('binding "when-present" lets a token without cnf pass, and no bound one without its certificate', async () => {
  const app: Express = express()
  app.get(
    '/open',
    requireToken({
      issuer: () => world.url,
      keys: world.server.keys,
      binding: 'when-present',
      clock: world.clock,
    }),
    (_req, res) => void res.json({}),
  )
  world.app.use(app)
  const open = (token: string, by: Caller = {}) =>
    world.get('/open', { ...by, headers: { authorization: `Bearer ${token}` } })
  expect((await open(made({ cnf: undefined }))).status).toBe(200)
  expect((await open(made(), { certificate: world.a.certificate })).status).toBe(200)
  expectInvalid(await open(made()))
  expectInvalid(await open(made({ cnf: {} })))
  expectInvalid(await open(made(), { certificate: world.b.certificate }))
})
