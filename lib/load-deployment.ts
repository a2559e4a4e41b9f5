import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { standardPlugins } from '../plugins'
import type { DeploymentSettings } from './config/deployment'
import { loadSettings } from './config/load-settings'
import { resolveDatabaseUrl, resolveSecret } from './config/secret'
import { SetupError } from './error/setup-error'
import { type AnyPlugin, composeChain, readProperties } from './plugin/chain'
import { checkInputs } from './service/check-inputs'
import { makeDevelopmentInputs } from './service/development-inputs'

/** `deployment.toml`, read, with the plugins that it names; spread it into `createAuthorizationServer`. */
export type Deployment = Omit<DeploymentSettings, 'plugins' | 'database'> & {
  /** Undefined while `port = 0` has not been bound. */
  readonly issuer: string | undefined
  /** The standard plugins, and the ones of `plugins = […]`, off until an `[[event_listener]]` names them. */
  readonly plugins: readonly AnyPlugin[]
  readonly database: DeploymentSettings['database'] & { readonly url: string }
}

export interface LoadOptions {
  /**
   * What a server is given and never makes up: certificate, key, truststore, CRLs, passwords.
   * `'check'` reads them all, so that a wrong one is told before anything is created; `'make'` first
   * makes a development set of those that are missing. Not looked at unless given.
   */
  inputs?: 'check' | 'make'
}

/**
 * Reads and judges a `deployment.toml` whole: keys, chain, handler properties.
 * Throws `SetupError`, one line: `FILE:LINE: what is wrong. What to do.`
 *
 * @example
 * const deployment = await loadDeployment('deployment.toml')
 * const store = await openStore(deployment.database.url)
 * const server = await createAuthorizationServer({ ...deployment, store })
 */
export async function loadDeployment(
  file: string,
  { inputs }: LoadOptions = {},
): Promise<Deployment> {
  const settings = await loadSettings(file)
  try {
    const loaded = await loadPlugins(settings)
    const plugins = [...standardPlugins, ...loaded]
    for (const link of composeChain(plugins, settings.event_listener)) await readProperties(link)
    const url = resolveDatabaseUrl(settings.database, dirname(settings.file))
    if (inputs !== undefined) await prepareInputs(settings, inputs)
    return {
      ...settings,
      issuer: issuerOf(settings),
      plugins,
      database: { ...settings.database, url },
    }
  } catch (cause) {
    if (!(cause instanceof SetupError) || cause.place.file !== undefined) throw cause
    throw cause.at(settings.locate(cause.place.key ?? []))
  }
}

async function prepareInputs(
  settings: DeploymentSettings,
  inputs: 'check' | 'make',
): Promise<void> {
  if (inputs === 'make') await makeDevelopmentInputs(settings)
  await checkInputs(settings)
  await resolveSecret(settings.super_admin, ['super_admin'])
}

function issuerOf({ server }: DeploymentSettings): string | undefined {
  if (server.issuer !== undefined) return server.issuer
  return server.port === 0 ? undefined : new URL(`https://${server.hostname}:${server.port}`).origin
}

/** Resolved from the folder of `deployment.toml`; nothing else is ever loaded by name. */
async function loadPlugins({ file, plugins }: DeploymentSettings): Promise<AnyPlugin[]> {
  const loaded: AnyPlugin[] = []
  for (const [index, name] of plugins.entries()) {
    const exported: Record<string, unknown> = await importPackage(file, name, index)
    const found = Object.values(exported).filter(isPlugin)
    if (found.length === 0) {
      throw new SetupError(
        `The package "${name}" exports no plugin.`,
        'Export what definePlugin gives, by name.',
        { key: ['plugins', index] },
      )
    }
    loaded.push(...[...new Set(found)].map(withoutOrder))
  }
  return loaded
}

async function importPackage(
  file: string,
  name: string,
  index: number,
): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(createRequire(file).resolve(name)).href)
  } catch (cause) {
    throw new SetupError(
      `The plugin package "${name}" cannot be loaded: ${String(cause).split('\n')[0]}.`,
      `Run in ${dirname(file)}: npm install ${name}`,
      { key: ['plugins', index] },
      cause,
    )
  }
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
function withoutOrder({ order: _, ...plugin }: AnyPlugin): AnyPlugin {
  return plugin
}
