/** What the primary process and its workers tell each other. */
import type { SettingPlace } from '../error/setup-error'
import type { Scope } from './process-state'

export type ToWorker =
  | ReloadOrder
  | { tell: 'reload-refused'; refused: boolean }
  | { tell: 'drain' }

export interface ReloadOrder {
  tell: 'reload'
  id: number
  scope: Scope
}

export type ToPrimary = Listening | Failed | ReloadAnswer

export interface Listening {
  tell: 'listening'
  url: string
  mtlsUrl: string | undefined
}

export interface Failed {
  tell: 'failed'
  problem: string
  fix: string
  place: SettingPlace
}

/** Either what it runs on now, or why not. */
export interface ReloadAnswer {
  tell: 'reloaded'
  id: number
  digest?: string
  problem?: string
}

/** The ports that the primary chose, in the worker's environment; marks it as ours. */
export const portsVariable = 'MTLS_SECRET_WORKER_PORTS'

export interface Ports {
  port: number
  mtlsPort: number | undefined
}
