/**
 * From WSO2's `deployment.toml` (or the `identity.xml` of older versions) to ours: each key is used,
 * changed or left out, and the reason is told. What WSO2's chain let pass without anybody noticing
 * is told as a warning, since a server that merely starts would look like one that means the same.
 */
import { dirname, resolve } from 'node:path'
import { parseSettings } from './load-settings'
import { parseToml } from './parse-toml'
import { readText } from './read-text'
import { wso2Document } from './wso2/document'
import { eventListenersOf } from './wso2/identity-xml'
import { importKeys } from './wso2/import-keys'
import type { KnownHandlers } from './wso2/known-handlers'
import { importListeners } from './wso2/listeners'
import { settleOrders } from './wso2/orders'
import type { ImportedKey } from './wso2/outcome'
import { chainWarnings, serverWarnings } from './wso2/warnings'

export type { KnownHandlers } from './wso2/known-handlers'
export type { ImportedKey } from './wso2/outcome'

export interface Imported {
  /** Our file. It may hold passwords of WSO2's: keep it as closed as theirs. */
  toml: string
  /** Each key of WSO2's file, in its order. */
  report: ImportedKey[]
  warnings: string[]
}

/**
 * Reads WSO2's file and writes ours. Files that it names get absolute paths, so that ours may lie
 * anywhere. Throws `SetupError` when the file is neither TOML nor XML.
 *
 * @example
 * const { toml, report, warnings } = await importWso2('repository/conf/deployment.toml', known)
 */
export async function importWso2(file: string, known: KnownHandlers): Promise<Imported> {
  const text = await readText(file, maxBytes)
  const tables = /^\s*</.test(text)
    ? { event_listener: eventListenersOf(text) }
    : parseToml(text, file)
  const wso2 = wso2Document(tables, dirname(resolve(file)))

  const keys = importKeys(wso2)
  const { listeners, report } = await importListeners([tables.event_listener ?? []].flat(), known)
  const orders = settleOrders(listeners, known.handlers)
  const event_listener = listeners.map(({ entry }) => entry)
  const { stringify } = require('smol-toml') as typeof import('smol-toml')
  const toml = `${head}${stringify({ ...keys.settings, event_listener })}`
  const ours = parseSettings(toml, 'deployment.toml')
  return {
    toml,
    report: [...keys.report, ...[...report, ...orders].sort(byEntry)],
    warnings: [...chainWarnings(listeners), ...serverWarnings(wso2, ours)],
  }
}

/** `event_listener[2]` before `event_listener[10]`; keys of one entry stay as they come. */
function byEntry(a: ImportedKey, b: ImportedKey): number {
  return entryOf(a) - entryOf(b)
}

const entryOf = ({ key }: ImportedKey) => Number(/\d+/.exec(key))

/** identity.xml is long: a hundred kilobytes and more. */
const maxBytes = 1_048_576

const head = `# Made from WSO2's configuration by: mtls-secret config import
# Clients and users are not in it: client create, user create.

`
