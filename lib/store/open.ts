import { SetupError } from '../error/setup-error'
import { memoryStore } from './memory'
import { type PostgresOptions, postgresStore } from './postgres'
import { type SqliteOptions, sqliteStore } from './sqlite'
import type { Store } from './store'

/** Each engine takes its own. */
export interface StoreOptions extends SqliteOptions, PostgresOptions {}

/**
 * Opens the store that the URL names, creates what is absent and migrates what is old:
 * `sqlite:PATH`, `postgres://USER@HOST/DATABASE` or `memory:`. The driver is loaded here and not
 * before. Throws SetupError, with what to do, for a store that can't be used.
 *
 * @example
 * const store = await openStore('sqlite:data/mtls-secret.db', { synchronous: 'NORMAL' })
 */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store> {
  const store = storeFor(url, options)
  await store.open()
  return store
}

function storeFor(url: string, options: StoreOptions): Store {
  if (url === 'memory:') return memoryStore()
  if (/^postgres(ql)?:\/\//i.test(url)) return postgresStore(url, options)
  if (/^sqlite:/i.test(url)) {
    const path = url.slice('sqlite:'.length)
    if (/^\/\/[^/]/.test(path)) {
      throw new SetupError(
        `A SQLite URL has no host, found ${JSON.stringify(url)}.`,
        `Write "sqlite:${path.slice(2)}", or "sqlite:${path.slice(1)}" for a path from the root.`,
      )
    }
    return sqliteStore(path, options)
  }
  throw new SetupError(
    `No store is known for the URL scheme ${JSON.stringify(url.split(':')[0])}.`,
    'Write sqlite:PATH, postgres://USER@HOST/DATABASE or memory:.',
  )
}
