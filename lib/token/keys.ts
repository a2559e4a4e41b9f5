import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { mkdir, open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SetupError } from '../error/setup-error'
import type { KeyRecord, KeyStore } from './key-store'

/**
 * Signing keys: the private parts lie in a folder, one PKCS#8 PEM file each, and never leave it; which
 * one signs, and how long a replaced one stays published, stands in the database, so that every
 * process and machine agrees. `kid` is the RFC 7638 thumbprint of the public key.
 */
export type SigningAlgorithm = 'ES256' | 'ES384' | 'RS256' | 'PS256'

export interface SigningKey {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export interface KeySettings {
  /** The folder; undefined: one key, held in memory only. */
  directory: string | undefined
  algorithm: SigningAlgorithm
  /** Seconds that a replaced key stays published. */
  overlap: number
  /** False where machines share the database: a key that one of them makes up, the others lack. */
  mayCreate: boolean
}

export interface Keys {
  /** The key that signs now, or undefined: nothing can be issued. */
  signing(): SigningKey | undefined
  /** A published key by its kid; looks again when it is not known yet. Never a file or network name. */
  find(kid: string): Promise<SigningKey | undefined>
  /** RFC 7517, public parts only. */
  jwks(): Promise<{ keys: JsonWebKey[] }>
  /** Reads folder and database again. */
  reload(): Promise<void>
  close(): void
}

/** How often another process's rotation is looked for, in milliseconds; `find` and `jwks` look at once. */
const lookAgain = 1_000

export async function openKeys(
  settings: KeySettings,
  store: KeyStore & { version(): number | Promise<number> },
  clock: { now(): number },
): Promise<Keys> {
  let files = await readFiles(settings)
  let published = new Map<string, SigningKey>()
  let signing: SigningKey | undefined
  let version = -1

  const arrange = (records: readonly KeyRecord[]) => {
    const now = clock.now()
    const current = records.find(({ replaced }) => replaced === undefined)
    published = new Map()
    for (const { kid, published_until } of records) {
      const key = files.get(kid)
      if (key && (published_until === undefined || published_until > now)) published.set(kid, key)
    }
    signing = current === undefined ? undefined : files.get(current.kid)
  }
  const reload = async () => {
    version = await store.version()
    files = await readFiles(settings, files)
    arrange(await store.listKeys())
  }
  const refresh = async () => {
    if ((await store.version()) !== version) await reload()
  }

  await reload()
  if (signing === undefined) {
    const first = await firstKey(settings, files, await store.listKeys())
    if (first !== undefined) {
      files.set(first.kid, first)
      await store.activateKey(first, clock.now(), settings.overlap * 1000)
      await reload()
    }
  }
  // A look that fails leaves the keys as they are: the store's own health tells the operator.
  const timer = setInterval(() => void refresh().catch(() => undefined), lookAgain)
  timer.unref()

  return {
    signing: () => signing,
    async find(kid) {
      if (!published.has(kid)) await refresh()
      return published.get(kid)
    },
    async jwks() {
      await refresh()
      return { keys: [...published.values()].map(publicJwk) }
    },
    reload,
    close: () => clearInterval(timer),
  }
}

/** The public part as a JWK, with `kid`, `alg` and `use`. */
export function publicJwk({ publicKey, kid, alg }: SigningKey): JsonWebKey {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
}

/** Makes a key and, where there is a folder, writes it into a new 0600 file of it. */
export async function createKey(
  settings: Pick<KeySettings, 'directory' | 'algorithm'>,
): Promise<SigningKey> {
  const { privateKey } = await generate(settings.algorithm)
  const key = signingKey(privateKey, settings.algorithm)
  if (settings.directory !== undefined) {
    await mkdir(settings.directory, { recursive: true, mode: 0o700 })
    const file = await open(join(settings.directory, `${key.kid}.pem`), 'wx', 0o600)
    try {
      await file.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }))
      await file.sync()
    } finally {
      await file.close()
    }
  }
  return key
}

/** What signs first in an empty database: the folder's only fitting key, or a new one. */
async function firstKey(
  settings: KeySettings,
  files: ReadonlyMap<string, SigningKey>,
  records: readonly KeyRecord[],
): Promise<SigningKey | undefined> {
  // A database that names a key has lost its file: making up another would hide that.
  if (records.some(({ replaced }) => replaced === undefined)) return undefined
  const found = [...files.values()].find(({ alg }) => alg === settings.algorithm)
  if (found !== undefined) return found
  return settings.mayCreate ? createKey(settings) : undefined
}

async function readFiles(
  { directory, algorithm }: KeySettings,
  before: ReadonlyMap<string, SigningKey> = new Map(),
): Promise<Map<string, SigningKey>> {
  if (directory === undefined) return new Map(before)
  let names: string[]
  try {
    names = await readdir(directory)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw new SetupError(
      `The key folder ${directory} cannot be read.`,
      'Make it readable.',
      {},
      cause,
    )
  }
  const keys = new Map<string, SigningKey>()
  for (const name of names.filter((each) => each.endsWith('.pem'))) {
    const key = await readKey(join(directory, name), algorithm)
    keys.set(key.kid, before.get(key.kid) ?? key)
  }
  return keys
}

async function readKey(path: string, preferred: SigningAlgorithm): Promise<SigningKey> {
  try {
    return signingKey(createPrivateKey(await readFile(path)), preferred)
  } catch (cause) {
    if (cause instanceof SetupError) throw cause.at({ file: path })
    throw new SetupError(
      `${path} is not a private key in PKCS#8 PEM.`,
      'Restore it from a copy, or move it out of the folder and run: mtls-secret keys rotate.',
      {},
      cause,
    )
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
