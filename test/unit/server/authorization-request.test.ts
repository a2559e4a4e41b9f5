import fc from 'fast-check'
import type { Client } from '../../../lib/client/client'
import type { Registry } from '../../../lib/plugin/registry'
import { judgeAuthorization, returnAddress } from '../../../lib/server/authorization-request'

const redirect_uri = 'https://a.example/callback'
const client = {
  client_id: 'a',
  redirect_uris: [redirect_uri],
  grant_types: ['authorization_code'],
  scope: 'openid',
  resources: [],
} as unknown as Client
const registry = { grant: () => ({}) } as unknown as Registry
const parts = { issuer: 'https://id.example', registry }
const code_challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const good = { response_type: 'code', code_challenge, code_challenge_method: 'S256' }

const judge = (fields: Record<string, string>) =>
  judgeAuthorization(parts, client, { ...good, ...fields }, { redirect_uri, state: 'x' })

test('what is judged holds all that the rest needs, and nothing that was not asked', () => {
  expect(judge({ unknown: 'x', claims: '{}', ui_locales: 'de' })).toEqual({
    client_id: 'a',
    redirect_uri,
    state: 'x',
    scope: 'openid',
    resources: [],
    code_challenge,
    prompt: [],
  })
})

test('no address but the registered one is ever the client’s', () => {
  const near = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
    fc.tuple(fc.nat(redirect_uri.length), fc.string()).map(([at, text]) => {
      return redirect_uri.slice(0, at) + text + redirect_uri.slice(at)
    }),
  )
  fc.assert(
    fc.property(near, (uri) => {
      if (uri === redirect_uri) return
      expect(() => returnAddress(client, { redirect_uri: uri })).toThrow('invalid_request')
    }),
    { numRuns: 2000 },
  )
  expect(returnAddress(client, { redirect_uri }).redirect_uri).toBe(redirect_uri)
})

test('no challenge passes but 43 characters of base64url, by S256', () => {
  const method = fc.oneof(fc.constant('S256'), fc.constantFrom('plain', 's256', 'S512', ''))
  fc.assert(
    fc.property(fc.string({ minLength: 40, maxLength: 46 }), method, (challenge, name) => {
      const fields = { code_challenge: challenge, code_challenge_method: name }
      if (name === 'S256' && /^[\w-]{43}$/.test(challenge)) return
      expect(() => judge(fields)).toThrow('invalid_request')
    }),
    { numRuns: 2000 },
  )
})

test.each([
  ['login', ['login']],
  ['consent login', ['login', 'consent']],
  ['none', ['none']],
  ['', []],
])('prompt %j is understood', (prompt, words) => {
  expect(judge({ prompt }).prompt).toEqual(words)
})

test.each(['none login', 'login login', 'LOGIN', 'toString'])('prompt %j is refused', (prompt) => {
  expect(() => judge({ prompt })).toThrow('invalid_request')
})

test.each(['', '-1', '1.5', '1e3', '0x10', '9999999999'])('max_age %j is refused', (max_age) => {
  expect(() => judge({ max_age })).toThrow('invalid_request')
})
