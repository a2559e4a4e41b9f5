import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
} from 'node:crypto'
import { mkdir, open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SetupError } from '../error/setup-error'

/**
 * The private parts of signing keys: one PKCS#8 PEM file each, in a folder that they never leave.
 * `kid` is the RFC 7638 thumbprint of the public part, so a file says by itself which key it is.
 */
export type SigningAlgorithm = 'ES256' | 'ES384' | 'RS256' | 'PS256'

export interface SigningKey {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export interface KeyFiles {
  /** The folder; undefined: keys live in memory only. */
  directory: string | undefined
  algorithm: SigningAlgorithm
}

/** The keys of the folder by kid; one that is in `before` stays the same object. Throws `SetupError`. */
export async function readKeyFiles(
  { directory, algorithm }: KeyFiles,
  before: ReadonlyMap<string, SigningKey> = new Map(),
): Promise<Map<string, SigningKey>> {
  if (directory === undefined) return new Map(before)
  const keys = new Map<string, SigningKey>()
  for (const name of await listFiles(directory)) {
    const key = await readKey(join(directory, name), algorithm)
    keys.set(key.kid, before.get(key.kid) ?? key)
  }
  return keys
}

async function listFiles(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith('.pem'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new SetupError(
      `The key folder ${directory} cannot be read.`,
      'Make it readable.',
      {},
      cause,
    )
  }
}

async function readKey(path: string, preferred: SigningAlgorithm): Promise<SigningKey> {
  try {
    return signingKey(createPrivateKey(await readFile(path)), preferred)
  } catch (cause) {
    if (cause instanceof SetupError) throw cause.at({ file: path })
    throw new SetupError(
      `${path} is not a readable private key in PKCS#8 PEM.`,
      'Restore it from a copy, or move it out of the folder and run: mtls-secret keys rotate.',
      {},
      cause,
    )
  }
}

/** Makes a key and, where there is a folder, writes it into a new 0600 file of it. */
export async function createKey({ directory, algorithm }: KeyFiles): Promise<SigningKey> {
  const { privateKey } = await generate(algorithm)
  const key = signingKey(privateKey, algorithm)
  if (directory !== undefined) {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const file = await open(join(directory, `${key.kid}.pem`), 'wx', 0o600)
    try {
      await file.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }))
      await file.sync()
    } finally {
      await file.close()
    }
  }
  return key
}

const generatePair = promisify(generateKeyPair)

function generate(algorithm: SigningAlgorithm): Promise<{ privateKey: KeyObject }> {
  switch (algorithm) {
    case 'ES256':
      return generatePair('ec', { namedCurve: 'prime256v1' })
    case 'ES384':
      return generatePair('ec', { namedCurve: 'secp384r1' })
    default:
      return generatePair('rsa', { modulusLength: 2048 })
  }
}

function signingKey(privateKey: KeyObject, preferred: SigningAlgorithm): SigningKey {
  const publicKey = createPublicKey(privateKey)
  return {
    kid: thumbprintOfKey(publicKey),
    alg: algorithmOf(publicKey, preferred),
    privateKey,
    publicKey,
  }
}

/** A key signs by one algorithm only (RFC 8725 section 3.1); RSA keys leave the choice to the settings. */
function algorithmOf(key: KeyObject, preferred: SigningAlgorithm): SigningAlgorithm {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ES256'
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'secp384r1') return 'ES384'
  if (key.asymmetricKeyType === 'rsa' && modulusLength >= 2048) {
    return preferred === 'PS256' ? 'PS256' : 'RS256'
  }
  throw new SetupError(
    'The key is neither EC P-256, EC P-384 nor RSA of 2048 bits or more.',
    'Use one of these; mtls-secret keys rotate makes one.',
  )
}

/** RFC 7638: SHA-256 over the required members in lexicographic order. */
function thumbprintOfKey(publicKey: KeyObject): string {
  const { crv, e, kty, n, x, y } = publicKey.export({ format: 'jwk' })
  const members = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y }
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}
