import type { AccountStore } from '../account/account-store'
import type { ClientStore } from '../client/client-store'
import type { ObservedStore } from '../client/observed'
import type { ThrottleStore } from '../client/throttle-store'
import type { KeyStore } from '../token/key-store'
import type { TokenStore } from '../token/token-store'

/** What `db status` prints. */
export interface StoreStatus {
  /** The schema's number in this database; 0: none yet. */
  schema: number
  /** The newest schema that this program knows. */
  latest: number
  store: 'sqlite' | 'postgres' | 'memory'
  counts: Record<string, number>
}

/** One place for everything that must outlive the process. */
export interface Store
  extends ClientStore,
    AccountStore,
    TokenStore,
    KeyStore,
    ThrottleStore,
    ObservedStore {
  /** Creates what is absent and migrates what is old, under a lock. Idempotent. */
  open(): Promise<void>
  status(): Promise<StoreStatus>
  /** Throws when the database does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}
