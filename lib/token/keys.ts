import type { JsonWebKey } from 'node:crypto'
import { SetupError } from '../error/setup-error'
import {
  createKey,
  type KeyFiles,
  readKeyFiles,
  type SigningAlgorithm,
  type SigningKey,
} from './key-files'
import type { KeyRecord, KeyStore } from './key-store'

/**
 * Signing keys. The private parts lie in a folder (`key-files.ts`); which one signs, and how long a
 * replaced one stays published, stands in the database, so that every process and machine agrees. A key
 * signs from the moment it is activated: whoever meets an unknown `kid` looks again before refusing it.
 */
export interface KeySettings extends KeyFiles {
  /** Seconds that a replaced key stays published. */
  overlap: number
  /** False where machines share the database: a key that one of them makes up, the others lack. */
  mayCreate: boolean
}

export interface Keys {
  /** The key that signs, as of the last look, or undefined: nothing can be issued. */
  signing(): SigningKey | undefined
  /** Sees what another process changed; there is nothing to wait for while nobody did. */
  look(): Promise<void> | undefined
  /** The keys whose tokens are believed, newest first. */
  published(): readonly SigningKey[]
  /** A published key by its kid; looks again when it is not known yet. Never a file or network name. */
  find(kid: string): Promise<SigningKey | undefined>
  /** RFC 7517, public parts only. */
  jwks(): Promise<{ keys: JsonWebKey[] }>
  /** Reads folder and database again. Throws `SetupError` and keeps what it has when a file is unusable. */
  reload(): Promise<void>
  /** The first half of `reload`; the function that it gives brings what was read into force. */
  prepareReload(): Promise<() => void>
  close(): void
}

/** How often another process's rotation is looked for, in milliseconds, by a server that issues nothing. */
const lookAgain = 1_000

type Store = KeyStore & { version(): number | Promise<number> }

export async function openKeys(
  settings: KeySettings,
  store: Store,
  clock: { now(): number },
): Promise<Keys> {
  let state = await readState(settings, store, nothing)
  const first = await firstToSign(settings, store, state, clock.now())
  if (first !== state.signing) state = await readState(settings, store, withFile(state, first))
  let underWay: Promise<void> | undefined
  let retryAt = 0

  const prepareReload = async () => {
    const next = await readState(settings, store, state)
    return () => {
      if (next.version >= state.version) state = next
    }
  }
  const reload = async () => {
    const bringIntoForce = await prepareReload()
    bringIntoForce()
  }
  /** A folder that can't be read leaves the keys as they are, and is not read for each made-up kid. */
  const look = (): Promise<void> | undefined => {
    const version = store.version()
    return typeof version === 'number' ? lookAt(version) : version.then(lookAt)
  }
  const lookAt = (version: number): Promise<void> | undefined => {
    if (version === state.version || performance.now() < retryAt) return undefined
    underWay ??= reload().finally(() => {
      underWay = undefined
    })
    return underWay.catch((cause: unknown) => {
      retryAt = performance.now() + lookAgain
      if (!(cause instanceof SetupError)) throw cause
    })
  }
  // A look that fails leaves the keys as they are: the store's own health tells the operator.
  const lookIfPossible = async () => {
    try {
      await look()
    } catch {}
  }
  const isPublished = ({ until }: State['keys'][number]) =>
    until === undefined || until > clock.now()
  const findNow = (kid: string) =>
    state.keys.find((each) => each.key.kid === kid && isPublished(each))?.key
  const published = () => state.keys.filter(isPublished).map(({ key }) => key)

  const timer = setInterval(lookIfPossible, lookAgain)
  timer.unref()

  return {
    signing: () => state.signing,
    look,
    published,
    async find(kid) {
      const known = findNow(kid)
      if (known !== undefined) return known
      await look()
      return findNow(kid)
    },
    async jwks() {
      await lookIfPossible()
      return { keys: published().map(publicJwk) }
    },
    reload,
    prepareReload,
    close: () => clearInterval(timer),
  }
}

/** The public part as a JWK, with `kid`, `alg` and `use`. */
export function publicJwk(key: SigningKey): JsonWebKey {
  const known = jwks.get(key)
  if (known !== undefined) return known
  const { publicKey, kid, alg } = key
  const jwk = Object.freeze({ ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' })
  jwks.set(key, jwk)
  return jwk
}

/** By the key and not its kid: an RSA key that signs by another algorithm now is another object. */
const jwks = new WeakMap<SigningKey, JsonWebKey>()

/**
 * Makes another key sign; the one before stays published for the overlap. A key of the folder that the
 * database does not know yet is taken first, so that machines which share a database can be given the
 * same file before it signs; otherwise one is made. Throws `SetupError` where none may be.
 */
export async function rotateKeys(
  settings: KeySettings,
  store: KeyStore,
  now: number,
): Promise<SigningKey> {
  const known = new Set((await store.listKeys()).map(({ kid }) => kid))
  const fresh = [...(await readKeyFiles(settings)).values()].find(
    ({ kid, alg }) => alg === settings.algorithm && !known.has(kid),
  )
  if (fresh === undefined && !settings.mayCreate) {
    throw new SetupError(
      `${settings.directory} has no new ${settings.algorithm} key.`,
      'Put the PEM file of one (openssl genpkey) into the key folder of every machine first.',
    )
  }
  const next = fresh ?? (await createKey(settings))
  await store.activateKey(next, now, settings.overlap * 1000)
  return next
}

/** What is known at one moment; replaced as a whole, or not at all. */
interface State {
  version: number
  files: ReadonlyMap<string, SigningKey>
  /** Newest first. */
  keys: readonly { key: SigningKey; until: number | undefined }[]
  signing: SigningKey | undefined
}

const nothing: State = { version: -1, files: new Map(), keys: [], signing: undefined }

async function readState(settings: KeySettings, store: Store, before: State): Promise<State> {
  const version = await store.version()
  const files = await readKeyFiles(settings, before.files)
  const records = await store.listKeys()
  const keys = records.flatMap((record) => {
    const file = files.get(record.kid)
    return file === undefined
      ? []
      : [{ key: keyOf(record, file, before), until: record.published_until }]
  })
  const current = records.find(({ replaced }) => replaced === undefined)
  const signing = keys.find(({ key }) => key.kid === current?.kid)?.key
  if (signing === undefined && current !== undefined && before.signing?.kid === current.kid) {
    throw new SetupError(
      `The key ${current.kid}, which signs, is gone from ${settings.directory}.`,
      'Restore it from a copy, or run: mtls-secret keys rotate.',
    )
  }
  return { version, files, keys, signing }
}

/** An RSA key signs by the algorithm it was activated for, whatever the settings say since. */
function keyOf({ alg }: KeyRecord, file: SigningKey, before: State): SigningKey {
  if (file.alg === alg || !isRsaAlgorithm(alg) || !isRsaAlgorithm(file.alg)) return file
  const known = before.keys.find(({ key }) => key.kid === file.kid && key.alg === alg)
  return known?.key ?? { ...file, alg }
}

function isRsaAlgorithm(alg: string): alg is SigningAlgorithm & ('RS256' | 'PS256') {
  return alg === 'RS256' || alg === 'PS256'
}

/** What signs from the start on; another key where the settings name another algorithm since. */
function firstToSign(
  settings: KeySettings,
  store: KeyStore,
  state: State,
  now: number,
): Promise<SigningKey | undefined> | SigningKey {
  const { signing } = state
  if (signing === undefined) return activateFirst(settings, store, state, now)
  const goesOn = signing.alg === settings.algorithm || !settings.mayCreate
  return goesOn ? signing : rotateKeys(settings, store, now)
}

/** What signs first in an empty database: the folder's only fitting key, or a new one. */
async function activateFirst(
  settings: KeySettings,
  store: KeyStore,
  { files }: State,
  now: number,
): Promise<SigningKey | undefined> {
  // A database that names a key has lost its file: making up another would hide that.
  const records = await store.listKeys()
  if (records.some(({ replaced }) => replaced === undefined)) return undefined
  const found = [...files.values()].find(({ alg }) => alg === settings.algorithm)
  const first = found ?? (settings.mayCreate ? await createKey(settings) : undefined)
  if (first !== undefined) await store.activateKey(first, now, settings.overlap * 1000)
  return first
}

/** Without a folder a new key stands nowhere but here. */
function withFile(state: State, key: SigningKey | undefined): State {
  return key === undefined ? state : { ...state, files: new Map(state.files).set(key.kid, key) }
}
