import { constants, sign } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { SigningKey } from './key-files'

/**
 * Signs a JWT (RFC 7519) in JWS compact form (RFC 7515). Only signing is ours, since it is most of what
 * a token request costs: ES256 takes 20 µs this way and 24 by jsonwebtoken. Verifying is jsonwebtoken's,
 * and a test holds that it accepts what is signed here.
 */
export function signJwt(key: SigningKey, typ: string, claims: Claims): string {
  const text = signingText(key, typ, claims)
  const signature = sign(digestOf[key.alg], Buffer.from(text), signingInput(key))
  return withSignature(text, signature)
}

/**
 * The same, in libuv's thread pool where that pays: RSA takes ten times as long as the way to a thread and
 * back, and on a second core other requests go on meanwhile. ECDSA is done before a thread is awake.
 */
export function signJwtAside(
  key: SigningKey,
  typ: string,
  claims: Claims,
  cores = coresHere,
): string | Promise<string> {
  // Above that the pool is busy: whoever comes signs in place, which slows down what else comes, and neither
  // passwords nor files wait behind a queue without end.
  const inPlace = cores === 1 || !slow.has(key.alg) || underWay >= mostPerCore * cores
  if (inPlace) return signJwt(key, typ, claims)
  const text = signingText(key, typ, claims)
  underWay += 1
  return new Promise((resolve, reject) => {
    sign(digestOf[key.alg], Buffer.from(text), signingInput(key), (error, signature) => {
      underWay -= 1
      if (error === null) resolve(withSignature(text, signature))
      else reject(error)
    })
  })
}

/** Signatures that are in the pool or wait for it. */
let underWay = 0
const mostPerCore = 32

/** Those that this process may run on. */
const coresHere = availableParallelism()

type Claims = Readonly<Record<string, unknown>>

const slow: ReadonlySet<string> = new Set(['RS256', 'PS256'])

function signingText(key: SigningKey, typ: string, claims: Claims): string {
  return `${headerOf(key, typ)}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
}

function withSignature(text: string, signature: Buffer): string {
  return `${text}.${signature.toString('base64url')}`
}

const digestOf = { ES256: 'sha256', ES384: 'sha384', RS256: 'sha256', PS256: 'sha256' } as const

const inputs = new WeakMap<SigningKey, Parameters<typeof sign>[2]>()
const headers = new WeakMap<SigningKey, Map<string, string>>()

/** How `node:crypto` is told to sign for JWS: r and s side by side (RFC 7518 section 3.4), PSS salt. */
function signingInput(key: SigningKey): Parameters<typeof sign>[2] {
  let input = inputs.get(key)
  if (input === undefined) {
    const { privateKey } = key
    input =
      key.alg === 'PS256'
        ? {
            key: privateKey,
            padding: constants.RSA_PKCS1_PSS_PADDING,
            saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
          }
        : { key: privateKey, dsaEncoding: 'ieee-p1363' }
    inputs.set(key, input)
  }
  return input
}

function headerOf(key: SigningKey, typ: string): string {
  let byType = headers.get(key)
  if (byType === undefined) {
    byType = new Map()
    headers.set(key, byType)
  }
  let header = byType.get(typ)
  if (header === undefined) {
    const { alg, kid } = key
    header = Buffer.from(JSON.stringify({ alg, typ, kid })).toString('base64url')
    byType.set(typ, header)
  }
  return header
}
