/**
 * `mtls-secret/store`: where clients, accounts, grants and keys are kept. Drivers are loaded when a
 * store is opened.
 */
export { memoryStore } from './memory'
export { openStore, type StoreOptions } from './open'
export { type PostgresOptions, postgresStore } from './postgres'
export { type SqliteOptions, sqliteStore } from './sqlite'
export type { Store, StoreStatus } from './store'
