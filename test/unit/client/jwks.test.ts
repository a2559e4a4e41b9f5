import { generateKeyPairSync } from 'node:crypto'
import { readKeys } from '../../../lib/client/jwks'

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig' }

test('keeps public keys with what they say of themselves', () => {
  expect(JSON.parse(readKeys({ keys: [jwk] }).jwks)).toEqual({ keys: [jwk] })
})

test('refuses a private key without repeating it', () => {
  const secret = privateKey.export({ format: 'jwk' })
  const refused = () => readKeys({ keys: [jwk, { ...secret }] })
  expect(refused).toThrow(
    expect.objectContaining({
      code: 'invalid_client_metadata',
      description: expect.stringContaining('jwks.keys[1] holds a private key'),
    }),
  )
  expect(refused).not.toThrow(new RegExp(`${secret.d}`))
})

test.each([
  ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }],
  ['an Ed25519 key', generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })],
  ['a point off the curve', { ...jwk, x: jwk.y }],
  ['half a key', { kty: 'EC', crv: 'P-256', x: jwk.x }],
  ['no kind of key', {}],
])('refuses %s', (_, key) => {
  expect(() => readKeys({ keys: [JSON.parse(JSON.stringify(key))] })).toThrow(
    'invalid_client_metadata',
  )
})

test.each([['no-list'], [[]], [['']], [['bm90IGEgY2VydGlmaWNhdGU=']], [[7]]])(
  'refuses x5c %j',
  (x5c) => {
    expect(() => readKeys({ keys: [{ ...jwk, x5c }] })).toThrow('invalid_client_metadata')
  },
)
