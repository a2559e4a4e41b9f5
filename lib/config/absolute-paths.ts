import { resolve } from 'node:path'
import type { Settings } from './schema'

/** Relative paths in the file are relative to the file, wherever the program was started. */
export function absolutePaths(settings: Settings, folder: string): Settings {
  const { keystore, truststore, database, super_admin } = settings
  const from = (path: string) => resolve(folder, path)
  const perhaps = (path: string | undefined) => (path === undefined ? undefined : from(path))

  return {
    ...settings,
    keystore: {
      tls: {
        ...keystore.tls,
        file_name: from(keystore.tls.file_name),
        key_file_name: perhaps(keystore.tls.key_file_name),
        password_file: perhaps(keystore.tls.password_file),
      },
      primary: { ...keystore.primary, directory: from(keystore.primary.directory) },
    },
    truststore: truststore && {
      ...truststore,
      file_name: from(truststore.file_name),
      password_file: perhaps(truststore.password_file),
      crl_file_names: truststore.crl_file_names.map(from),
    },
    database: { ...database, url: database.url && absoluteDatabaseUrl(database.url, folder) },
    super_admin: { ...super_admin, password_file: perhaps(super_admin.password_file) },
  }
}

/** `sqlite:data/x.db` with the whole path; `sqlite::memory:` and other databases stay as they are. */
export function absoluteDatabaseUrl(url: string, folder: string): string {
  const [, path] = /^sqlite:(.+)$/.exec(url) ?? []
  return path === undefined || path === ':memory:' ? url : `sqlite:${resolve(folder, path)}`
}
