/**
 * `plugins = ["acme-hmac"]`: the one way by which code is loaded by name. The name is a package's, as
 * the configuration's own schema has made sure: no path, no URL, no module of Node's. It is looked up
 * in the `node_modules` of the folder of `deployment.toml` and of those above it.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SetupError } from '../error/setup-error'
import type { AnyPlugin } from './chain'
import { noteOrigin, sameName } from './origin'
import { isOfAnotherCopy } from './plugin'
import { oneLine } from './properties'

/**
 * The plugins of all packages, each off until an `[[event_listener]]` names it. `file` is the
 * `deployment.toml`; `known` are the plugins whose names are taken already.
 * Throws `SetupError` with the key of the package that is to blame.
 */
export async function loadPackages(
  packages: readonly string[],
  file: string,
  known: readonly AnyPlugin[],
): Promise<AnyPlugin[]> {
  const byName = new Map(known.map((plugin) => [plugin.name, plugin]))
  const loaded: AnyPlugin[] = []
  for (const [index, name] of packages.entries()) {
    const key = ['plugins', index] as const
    for (const plugin of pluginsOf(await importPackage(name, file, key), name, key)) {
      const other = byName.get(plugin.name)
      if (other !== undefined) throw sameName(other, plugin).at({ key })
      byName.set(plugin.name, plugin)
      loaded.push(plugin)
    }
  }
  return loaded
}

type Key = readonly (string | number)[]

async function importPackage(name: string, file: string, key: Key): Promise<object> {
  let entry: string
  try {
    entry = resolvePackage(name, file)
  } catch (cause) {
    throw new SetupError(
      `The plugin package "${name}" is not installed.`,
      `Run in ${dirname(file)}: npm install ${name}`,
      { key },
      cause,
    )
  }
  try {
    return await import(pathToFileURL(entry).href)
  } catch (cause) {
    throw new SetupError(
      `The plugin package "${name}" cannot be loaded: ${oneLine(cause)}.`,
      'Ask whoever wrote it, or install another version.',
      { key },
      cause,
    )
  }
}

/** What `import` would load. Node has no such look-up from another folder, but for `require`. */
function resolvePackage(name: string, file: string): string {
  const require = createRequire(file)
  try {
    return require.resolve(name)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw cause
    const entry = importEntry(require.resolve.paths(name) ?? [], name)
    if (entry === undefined) throw cause
    return entry
  }
}

/** Where a package without a door for `require` has one for `import`. */
function importEntry(folders: readonly string[], name: string): string | undefined {
  for (const folder of folders) {
    const home = join(folder, name)
    const manifest = readManifest(join(home, 'package.json'))
    if (manifest === undefined) continue
    const target = importTarget(manifest.exports)
    const entry = target === undefined ? home : join(home, target)
    return relative(home, entry).startsWith('.') ? undefined : entry
  }
  return undefined
}

function readManifest(file: string): { exports?: unknown } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

const conditions = ['node', 'import', 'module-sync', 'default']

/** Node's own rule for the package itself: the first condition that holds, in the package's order. */
function importTarget(target: unknown): string | undefined {
  if (typeof target === 'string') return target
  if (typeof target !== 'object' || target === null) return undefined
  if ('.' in target) return importTarget(target['.'])
  for (const [condition, inner] of Object.entries(target)) {
    const found = conditions.includes(condition) ? importTarget(inner) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function pluginsOf(exported: object, name: string, key: Key): AnyPlugin[] {
  const found = [...new Set(Object.values(exported).filter(isPlugin))]
  if (found.some(isOfAnotherCopy)) {
    throw new SetupError(
      `The plugin package "${name}" uses another copy of mtls-secret, whose verdicts mean nothing here.`,
      'Install mtls-secret once: the package must name it in peerDependencies.',
      { key },
    )
  }
  if (found.length > 0) return found.map((plugin) => withoutOrder(plugin, name))
  throw new SetupError(
    `The package "${name}" exports no plugin.`,
    'Export what definePlugin gives, by name.',
    { key },
  )
}

function isPlugin(value: unknown): value is AnyPlugin {
  return (
    typeof value === 'object' &&
    value !== null &&
    'setup' in value &&
    typeof value.setup === 'function' &&
    'name' in value &&
    typeof value.name === 'string'
  )
}

/** A plugin named by the file is off until an entry of the file turns it on. */
function withoutOrder({ order: _, ...plugin }: AnyPlugin, name: string): AnyPlugin {
  noteOrigin(plugin, { package: name })
  return plugin
}
