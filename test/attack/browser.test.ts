import { memoryStore } from '../../lib/store'
import {
  alice,
  authorizationOf,
  authorizePath,
  callbackOf,
  inPeopleWorld,
  newCode,
  openBrowser,
  openPeopleWorld,
  redeem,
  type Visited,
} from '../support/browser'
import type { World } from '../support/world'

/** What a browser, its user or a page elsewhere must not be made to do. */
let world: World
beforeAll(async () => {
  world = await openPeopleWorld()
})
afterAll(() => world.close())
beforeEach(() => {
  world.events.length = 0
})

const begin = (fields: Record<string, string | undefined> = {}) =>
  authorizePath(authorizationOf(world.a, fields))

/** A page of ours that leads nowhere and repeats nothing. */
function expectPage({ status, headers, text, form }: Visited, ...never: string[]) {
  expect(status).toBe(400)
  expect(headers.location).toBeUndefined()
  expect(headers['content-type']).toBe('text/html; charset=utf-8')
  expect(form).toBeUndefined()
  for (const word of never) expect(text).not.toContain(word)
}

describe('64: no redirect to an address that is not exactly registered (open redirect)', () => {
  const near: [string, (uri: string) => string][] = [
    ['another host', () => 'https://evil.example/callback'],
    ['the URI of another client', () => callbackOf('b')],
    ['a slash more', (uri) => `${uri}/`],
    ['a path more', (uri) => `${uri}/../evil`],
    ['a query more', (uri) => `${uri}?next=https://evil.example`],
    ['a fragment', (uri) => `${uri}#x`],
    ['a subdomain', (uri) => uri.replace('https://', 'https://evil.')],
    ['a longer host', (uri) => uri.replace('.example', '.example.evil.example')],
    ['a user', (uri) => uri.replace('https://', 'https://evil.example@')],
    ['a backslash', (uri) => uri.replace('https://', 'https://evil.example\\@')],
    ['capitals', (uri) => uri.replace('callback', 'Callback')],
    ['a capital host', (uri) => uri.replace('a.example', 'A.example')],
    ['a port', (uri) => uri.replace('.example', '.example:443')],
    ['http', (uri) => uri.replace('https', 'http')],
    ['an escape', (uri) => uri.replace('callback', '%63allback')],
    ['a line break', (uri) => `${uri}\r\nset-cookie: x=1`],
    ['javascript', () => 'javascript:alert(1)'],
    ['data', () => 'data:text/html,x'],
    ['no scheme', (uri) => uri.replace('https:', '')],
    ['nothing', () => ''],
  ]
  test.each(near)('%s', async (_what, change) => {
    const redirect_uri = change(callbackOf('a'))
    for (const more of [{}, { response_type: 'token' }, { prompt: 'none' }]) {
      expectPage(await openBrowser(world).visit(begin({ redirect_uri, ...more })), 'evil', 'alert')
    }
  })

  test('none given, though only one is registered', async () => {
    expectPage(await openBrowser(world).visit(begin({ redirect_uri: undefined })))
  })

  test('given twice', async () => {
    const path = `${begin()}&redirect_uri=${encodeURIComponent('https://evil.example')}`
    expectPage(await openBrowser(world).visit(path), 'evil')
    expect(world.only('request.refused').reason).toBe('repeated_parameter')
  })

  test('one that was taken from the client while a person was logging in', async () => {
    const store = memoryStore()
    await inPeopleWorld({ store }, async (world) => {
      const path = authorizePath(authorizationOf(world.a))
      const browser = openBrowser(world)
      const login = await browser.visit(path)
      await store.changeClient(world.a.client_id, (record) => ({
        ...record,
        redirect_uris: [`${callbackOf('a')}/new`],
      }))
      expectPage(await browser.send(login, alice))
    })
  })

  const registered = [
    'javascript:alert(1)',
    'data:text/html,x',
    'http://client.example/cb',
    'https://client.example/cb#x',
    'https://user@client.example/cb',
    'https://*.client.example/cb',
    'https://client.example/a/../cb',
    'https://client.example/%2e%2e/cb',
    'https://client.example/cb%0d%0a',
    'https://client.example\\@evil.example',
  ]
  test.each(registered)('%s is not even registered', async (uri) => {
    const client = { client_name: 'x', without_certificate: true, redirect_uris: [uri] }
    await expect(world.server.clients.create(client)).rejects.toMatchObject({
      code: 'invalid_redirect_uri',
      status: 400,
    })
  })
})

describe('a client that can’t be told is answered with a page', () => {
  test('unknown and disabled alike', async () => {
    const unknown = await openBrowser(world).visit(begin({ client_id: 'nobody' }))
    expectPage(unknown, 'nobody')
    expect(world.only('request.refused').reason).toBe('unknown_client')
    await world.server.clients.disable(world.b.client_id)
    const disabled = await openBrowser(world).visit(begin({ client_id: world.b.client_id }))
    expect(world.only('request.refused').reason).toBe('client_disabled')
    await world.server.clients.enable(world.b.client_id)
    const request = /Request [\w-]+/
    expect(disabled.text.replace(request, '')).toBe(unknown.text.replace(request, ''))
  })

  test('none, two, too long', async () => {
    expectPage(await openBrowser(world).visit(begin({ client_id: undefined })))
    expectPage(await openBrowser(world).visit(`${begin()}&client_id=${world.b.client_id}`))
    expectPage(await openBrowser(world).visit(begin({ client_id: 'x'.repeat(8000) })))
  })

  test('disabled while a person was logging in', async () => {
    const browser = openBrowser(world)
    const login = await browser.visit(begin())
    await world.server.clients.disable(world.a.client_id)
    expectPage(await browser.send(login, alice))
    await world.server.clients.enable(world.a.client_id)
  })
})

describe('no answer but a code, in the query', () => {
  const cases: [Record<string, string>, string][] = [
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: 'id_token' }, 'unsupported_response_type'],
    [{ response_type: 'code token' }, 'unsupported_response_type'],
    [{ response_mode: 'fragment' }, 'invalid_request'],
    [{ response_mode: 'form_post' }, 'invalid_request'],
    [{ request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
    [{ prompt: 'none login' }, 'invalid_request'],
    [{ prompt: 'create' }, 'invalid_request'],
    [{ max_age: '-1' }, 'invalid_request'],
    [{ state: 'x'.repeat(2049) }, 'invalid_request'],
    [{ nonce: 'x'.repeat(513) }, 'invalid_request'],
    [{ scope: 'openid root' }, 'invalid_scope'],
  ]
  test.each(cases)('%j', async (fields, error) => {
    const { location, status } = await openBrowser(world).visit(begin(fields))
    expect(status).toBe(303)
    expect(location?.href.startsWith(`${callbackOf('a')}?`)).toBe(true)
    expect(location?.searchParams.get('error')).toBe(error)
    expect(location?.searchParams.get('iss')).toBe(world.server.issuer)
    expect(location?.searchParams.get('state')).toBe(fields.state ?? 'state-of-a')
    expect(location?.searchParams.has('code')).toBe(false)
  })

  test('and none for a client that did not register the grant', () =>
    inPeopleWorld({ a: { grant_types: ['client_credentials'] } }, async (world) => {
      const path = authorizePath(authorizationOf(world.a))
      const { location } = await openBrowser(world).visit(path)
      expect(location?.searchParams.get('error')).toBe('unauthorized_client')
    }))

  test('and none where the grant is off', () => {
    const off = {
      id: 'code',
      type: 'grant',
      name: 'authorization_code',
      order: undefined,
      enable: false,
      properties: {},
    }
    return inPeopleWorld({ event_listener: [off] }, async (world) => {
      const path = authorizePath(authorizationOf(world.a))
      const { location } = await openBrowser(world).visit(path)
      expect(location?.searchParams.get('error')).toBe('unsupported_response_type')
    })
  })
})

describe('forged forms (CSRF)', () => {
  async function pages() {
    const browser = openBrowser(world)
    const login = await browser.visit(begin())
    const before = browser.cookie
    const consent = await browser.send(login, alice)
    return { browser, before, login, consent }
  }

  test('a login form of the attacker’s browser logs nobody in (login CSRF)', async () => {
    const attacker = await openBrowser(world).visit(begin())
    const victim = openBrowser(world)
    await victim.visit(begin())
    expectPage(await victim.send(attacker, alice))
    expect(world.only('request.refused').reason).toBe('form_not_ours')
    expectPage(await openBrowser(world).send(attacker, alice))
  })

  test('a consent form of the attacker’s browser grants nothing', async () => {
    const attacker = await pages()
    const victim = await pages()
    expectPage(await victim.browser.send(attacker.consent, { decision: 'allow' }))
  })

  test('a consent form without its token, or with another one, grants nothing', async () => {
    const { browser, consent } = await pages()
    const { json } = await world.token(world.a, { scope: 'openid' })
    const { id_token } = (await world.token(world.a, redeem(await newCode(world)))).json
    const form = consent.form?.hidden.form ?? ''
    const forged = [
      '',
      'x',
      `${form.slice(0, -8)}AAAAAAAA`,
      form.replace(/^[^.]+/, Buffer.from('{"alg":"none"}').toString('base64url')),
      json.access_token,
      id_token,
    ]
    for (const form of forged) expectPage(await browser.send(consent, { form, decision: 'allow' }))
  })

  test.each(['https://evil.example', 'null', 'http://localhost'])(
    'a form that comes from %s is not looked at',
    async (origin) => {
      const { browser, consent } = await pages()
      const answer = await browser.send(consent, { decision: 'allow' }, { origin })
      expect(answer.status).toBe(403)
      expect(answer.location).toBeUndefined()
      expect(world.events.at(-1)?.reason).toBe('form_from_elsewhere')
    },
  )

  test('a login form is no consent: what is allowed there is not looked at', async () => {
    const { browser } = await pages()
    const login = await browser.visit(begin({ prompt: 'login' }))
    const answer = await browser.send(login, { decision: 'allow' })
    expect(answer.status).toBe(403)
    expect(answer.form?.fields).toEqual(['username', 'password'])
  })

  test('a form is good for ten minutes', async () => {
    const { browser, consent } = await pages()
    world.clock.advance(601)
    expectPage(await browser.send(consent, { decision: 'allow' }))
  })

  test('anything but allow denies', async () => {
    for (const decision of ['', 'deny', 'ALLOW', 'allow ']) {
      const { browser, consent } = await pages()
      const { location } = await browser.send(consent, { decision })
      expect(location?.searchParams.get('error')).toBe('access_denied')
    }
  })

  test('what a form is about can’t be changed beside it', async () => {
    const { browser, consent } = await pages()
    const more = { scope: 'accounts:write', redirect_uri: callbackOf('b'), state: 'forged' }
    const { location } = await browser.send(consent, { decision: 'allow', ...more })
    expect(location?.href.startsWith(`${callbackOf('a')}?`)).toBe(true)
    expect(location?.searchParams.get('state')).toBe('state-of-a')
    const code = location?.searchParams.get('code') ?? ''
    expect((await world.token(world.a, redeem(code))).json.scope).toBe('openid accounts:read')
  })

  test('a form is no token anywhere else', async () => {
    const { consent } = await pages()
    const form = consent.form?.hidden.form ?? ''
    const route = await world.get('/me', {
      certificate: world.a.certificate,
      headers: { authorization: `Bearer ${form}` },
    })
    expect(route.status).toBe(401)
    const logout = `/oidc/logout?${new URLSearchParams({ id_token_hint: form })}`
    expectPage(await openBrowser(world).visit(logout))
  })
})

describe('sessions', () => {
  test('68: the cookie is new at each login, and the one before is nobody (fixation)', async () => {
    const victim = openBrowser(world)
    const attacker = openBrowser(world)
    const login = await victim.visit(begin())
    attacker.cookie = victim.cookie
    await victim.send(login, alice)
    expect(victim.cookie).not.toBe(attacker.cookie)
    expect((await attacker.visit(begin())).form?.fields).toContain('username')

    const once = victim.cookie
    await victim.send(await victim.visit(begin({ prompt: 'login' })), alice)
    attacker.cookie = once
    expect((await attacker.visit(begin())).form?.fields).toContain('username')
  })

  test('a cookie is for this host alone, over TLS, out of reach of scripts, and a secret', async () => {
    const { headers } = await openBrowser(world).visit(begin())
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^__Host-browser=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/),
    ])
  })

  test.each(['x', `${'A'.repeat(43)}; __Host-browser=${'B'.repeat(43)}`, "' OR 1=1--"])(
    'a cookie that is none (%s) is nobody',
    async (value) => {
      const browser = openBrowser(world)
      browser.cookie = `__Host-browser=${value}`
      expect((await browser.visit(begin())).form?.fields).toContain('username')
    },
  )

  test('a consent form is for who was asked, not for who logs in next', async () => {
    await world.server.accounts.create('mallory', 'mallory')
    const browser = openBrowser(world)
    const consent = await browser.send(await browser.visit(begin()), alice)
    await browser.send(await browser.visit(begin({ prompt: 'login' })), {
      username: 'mallory',
      password: 'mallory',
    })
    expectPage(await browser.send(consent, { decision: 'allow' }))
  })

  test('two requests in one browser are not mixed up', async () => {
    const browser = openBrowser(world)
    await browser.allow(begin())
    const a = await browser.visit(begin({ state: 'one' }))
    const b = await browser.visit(
      authorizePath(authorizationOf(world.b, { redirect_uri: callbackOf('b'), state: 'two' })),
    )
    const backB = await browser.send(b, { decision: 'allow' })
    const backA = await browser.send(a, { decision: 'allow' })
    expect(backA.location?.host).toBe('a.example')
    expect(backA.location?.searchParams.get('state')).toBe('one')
    expect(backB.location?.host).toBe('b.example')
    expect(backB.location?.searchParams.get('state')).toBe('two')
    const code = backB.location?.searchParams.get('code') ?? ''
    expect((await world.token(world.a, redeem(code))).json.error).toBe('invalid_grant')
  })
})

describe('every page', () => {
  const policy =
    /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; form-action 'self'( https:\/\/a\.example)?; frame-ancestors 'none'; base-uri 'none'$/

  async function everyPage(): Promise<Record<string, Visited>> {
    const browser = openBrowser(world)
    const login = await browser.visit(begin())
    const wrong = await browser.send(login, { username: 'alice', password: 'x' })
    const consent = await browser.send(wrong, alice)
    const logout = await browser.visit('/oidc/logout')
    const loggedOut = await browser.send(logout)
    const error = await browser.visit(begin({ client_id: 'nobody' }))
    return { login, wrong, consent, logout, loggedOut, error }
  }

  test('has no script, can’t be framed, and is kept by nobody', async () => {
    for (const [name, { headers, text }] of Object.entries(await everyPage())) {
      expect([name, headers['content-security-policy']]).toEqual([
        name,
        expect.stringMatching(policy),
      ])
      expect(headers).toMatchObject({
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        'cache-control': 'no-store',
        'content-type': 'text/html; charset=utf-8',
        'strict-transport-security': expect.any(String),
      })
      // Nothing is loaded: the only addresses are those of our own forms.
      expect(text).not.toMatch(/<script|javascript:|\son\w+=|\sstyle=|https?:\/\//i)
    }
  })

  test('shows names as text, whatever is in them (XSS)', () => {
    const script = `<script>alert("1")</script>'&`
    return inPeopleWorld({ a: { client_name: script } }, async (world) => {
      await world.server.accounts.create(script, 'password')
      const path = authorizePath(authorizationOf(world.a, { state: script, nonce: script }))
      const browser = openBrowser(world)
      const login = await browser.visit(path)
      const consent = await browser.send(login, { username: script, password: 'password' })
      for (const { status, text } of [login, consent]) {
        expect(status).toBe(200)
        expect(text).toContain('&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#39;&#38;')
        expect(text).not.toContain('<script')
      }
    })
  })

  test('lets a form go on to a private scheme, and to a loopback address', () => {
    const redirect_uris = ['com.example.app:/cb', 'http://127.0.0.1:1234/cb', 'http://[::1]/cb']
    return inPeopleWorld({ a: { redirect_uris } }, async (world) => {
      const policies = []
      for (const redirect_uri of redirect_uris) {
        const path = authorizePath(authorizationOf(world.a, { redirect_uri }))
        const { headers } = await openBrowser(world).visit(path)
        policies.push(
          /form-action 'self' ([^;]*);/.exec(`${headers['content-security-policy']}`)?.[1],
        )
      }
      expect(policies).toEqual(['com.example.app:', 'http://127.0.0.1:1234', 'http:'])
    })
  })
})

test.each([
  ['https://localhost/id', '/id/oauth2/authorize'],
  ['https://localhost/', '/oauth2/authorize'],
])('a form of %s is posted to %s, and to no other host', (issuer, action) =>
  inPeopleWorld({ issuer }, async (world) => {
    const { form } = await openBrowser(world).visit(authorizePath(authorizationOf(world.a)))
    expect(form?.action).toBe(action)
  }),
)

describe('requests that are no form', () => {
  test('JSON, a compressed body, too large a body: a page, and the next request works', async () => {
    const browser = openBrowser(world)
    const login = await browser.visit(begin())
    const send = (headers: Record<string, string>, body = 'form=x') =>
      world.post('/oauth2/authorize', body, { headers })
    expect((await send({ 'content-type': 'application/json' }, '{}')).status).toBe(400)
    expect((await send({ 'content-encoding': 'gzip' })).status).toBe(415)
    expect((await send({}, `form=${'x'.repeat(20_000)}`)).status).toBe(413)
    expect((await browser.send(login, alice)).status).toBe(200)
  })

  test('a broken query is a page', async () => {
    for (const query of ['client_id=%zz', 'client_id=%ff', 'client_id=%00', '__proto__=x']) {
      expectPage(await openBrowser(world).visit(`/oauth2/authorize?${query}`))
    }
  })

  test.each(['HEAD', 'PUT', 'DELETE', 'TRACE'])('%s is 405 with Allow', async (method) => {
    const answer = await world.get(begin(), { method })
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('GET, POST')
  })
})
