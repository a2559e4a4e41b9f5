/**
 * The settings of `deployment.toml`, in the file's own spelling. Each table is described in
 * `schema.ts`, which also holds the defaults. Durations are seconds, as WSO2 writes them.
 */
import type { SettingPlace } from '../error/setup-error'
import type { Settings } from './schema'

/** One `[[event_listener]]` as written: WSO2's Java names are still WSO2's here. */
export interface HandlerSetting {
  id: string
  type: string
  name: string
  /** Undefined: the handler's own place in the default chain. */
  order: number | undefined
  enable: boolean
  properties: Record<string, unknown>
}

/** Everything that `deployment.toml` says, validated; paths in it are absolute. */
export interface DeploymentSettings extends Settings {
  /** The absolute path of the file. */
  readonly file: string
  /** Finds the line of a key, for an error that is found later. */
  locate(key: readonly (string | number)[]): SettingPlace
}
