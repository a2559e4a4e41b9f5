/**
 * The settings of `deployment.toml`, in the file's own spelling. Each table is described in
 * `schema.ts`, which also holds the defaults. Durations are seconds, as WSO2 writes them.
 */
import type { SettingPlace } from '../error/setup-error'
import type { Settings } from './schema'

/** Everything that `deployment.toml` says, validated; paths in it are absolute. */
export interface DeploymentSettings extends Settings {
  /** The absolute path of the file. */
  readonly file: string
  /** Finds the line of a key, for an error that is found later. */
  locate(key: readonly (string | number)[]): SettingPlace
}
