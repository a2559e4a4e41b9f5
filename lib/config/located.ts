import { type SettingPlace, SetupError } from '../error/setup-error'
import type { DeploymentSettings } from './deployment'

/** Tells an error of a key with the file and line in which the key stands, one that names none by `key`. */
export async function located<T>(
  { locate }: Pick<DeploymentSettings, 'locate'>,
  work: () => T | Promise<T>,
  key: SettingPlace['key'] = [],
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof SetupError) || error.place.file !== undefined) throw error
    throw error.at(locate(error.place.key ?? key))
  }
}
