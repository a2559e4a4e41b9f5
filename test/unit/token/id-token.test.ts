import { generateKeyPairSync } from 'node:crypto'
import { jwtVerify } from 'jose'
import { signIdToken, verifyIdTokenHint } from '../../../lib/token/id-token'
import type { SigningKey } from '../../../lib/token/key-files'
import { signJwt } from '../../../lib/token/sign'

const issuer = 'https://id.example'
const claims = { iss: issuer, sub: 'user', aud: 'client', iat: 1000, exp: 2000, auth_time: 900 }

function newKey(alg: SigningKey['alg'], kid = 'the-key'): SigningKey {
  const pair =
    alg === 'ES256' || alg === 'ES384'
      ? generateKeyPairSync('ec', { namedCurve: alg === 'ES256' ? 'P-256' : 'P-384' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { kid, alg, ...pair }
}

const key = newKey('ES256')
const keys = { find: async (kid: string) => (kid === key.kid ? key : undefined) }
const hintOf = (hint: string) => verifyIdTokenHint(hint, { issuer, keys, now: 1_500_000 })

test.each(['ES256', 'ES384', 'RS256', 'PS256'] as const)(
  'is what jose accepts (%s)',
  async (alg) => {
    const signer = newKey(alg)
    const { payload, protectedHeader } = await jwtVerify(
      signIdToken(signer, { ...claims, nonce: 'n' }),
      signer.publicKey,
      {
        issuer,
        audience: 'client',
        algorithms: [alg],
        typ: 'JWT',
        currentDate: new Date(1_500_000),
      },
    )
    expect(payload).toEqual({ ...claims, nonce: 'n' })
    expect(protectedHeader).toEqual({ alg, typ: 'JWT', kid: signer.kid })
  },
)

describe('as a hint', () => {
  test('names its client and its user, also when it has ended', async () => {
    const hint = signIdToken(key, claims)
    expect(await hintOf(hint)).toEqual({ sub: 'user', aud: 'client' })
    const later = verifyIdTokenHint(hint, { issuer, keys, now: 9_000_000 })
    expect(await later).toEqual({ sub: 'user', aud: 'client' })
  })

  const wrong: [string, () => string][] = [
    ['another issuer', () => signIdToken(key, { ...claims, iss: 'https://other.example' })],
    ['a key that is not ours', () => signIdToken(newKey('ES256'), claims)],
    ['an unknown kid', () => signIdToken({ ...key, kid: '../../dev/null' }, claims)],
    ['an access token', () => signJwt(key, 'at+jwt', claims)],
    ['several audiences', () => signJwt(key, 'JWT', { ...claims, aud: ['client', 'other'] })],
    ['no subject', () => signJwt(key, 'JWT', { ...claims, sub: undefined })],
    ['no end', () => signJwt(key, 'JWT', { ...claims, exp: undefined })],
    ['nothing', () => ''],
  ]
  test.each(wrong)('is refused with %s', async (_what, hint) => {
    await expect(hintOf(hint())).rejects.toMatchObject({ code: 'invalid_token' })
  })
})
