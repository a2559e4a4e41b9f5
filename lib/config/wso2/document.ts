import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** WSO2's file as its rules need it: values by dotted key, files by WSO2's idea of where they lie. */
export interface Wso2Document {
  /** Each value with its dotted key, in the order of the file, `event_listener` left out. */
  readonly leaves: readonly { key: string; value: unknown }[]
  /** A value, with `$ref{…}` replaced by what it refers to. */
  value(key: string): unknown
  /** The absolute path of a file that WSO2 finds below its home. */
  path(name: string): { path: string; found: boolean }
}

/** `folder` is where the file lies: `<IS_HOME>/repository/conf`. */
export function wso2Document(tables: Record<string, unknown>, folder: string): Wso2Document {
  const { event_listener: _, ...others } = tables
  const leaves = leavesOf(others, '', 0)
  const values = new Map(leaves.map(({ key, value }) => [key, value]))
  const value = (key: string) => withReferences(values.get(key), values)
  const home = resolve(folder, '../..')
  return {
    leaves: leaves.map(({ key }) => ({ key, value: value(key) })),
    value,
    path(name) {
      const plain = name.replace(/^\$\{carbon\.home\}/, home)
      const places = [
        resolve(home, 'repository/resources/security', plain),
        resolve(home, plain),
        resolve(folder, plain),
      ]
      const path = places.find((place) => existsSync(place))
      return { path: path ?? resolve(folder, String(places[0])), found: path !== undefined }
    },
  }
}

/** Deeper than this, no table of WSO2's has keys: what lies there is told as one. */
const maxDepth = 8

function leavesOf(table: object, prefix: string, depth: number): { key: string; value: unknown }[] {
  return Object.entries(table).flatMap(([name, value]: [string, unknown]) => {
    const key = prefix === '' ? name : `${prefix}.${name}`
    if (depth < maxDepth && isTables(value)) return leavesOf(value, key, depth + 1)
    return [{ key, value }]
  })
}

/** A table, or a list of tables (whose indices become part of the key). */
function isTables(value: unknown): value is object {
  if (Array.isArray(value)) return value.length > 0 && value.every(isTables)
  return typeof value === 'object' && value !== null && !(value instanceof Date)
}

function withReferences(value: unknown, values: ReadonlyMap<string, unknown>): unknown {
  if (typeof value !== 'string') return value
  return value.replace(/\$ref\{([^}]+)\}/g, (whole, key: string) => {
    const referred = values.get(key)
    return typeof referred === 'string' || typeof referred === 'number' ? String(referred) : whole
  })
}
