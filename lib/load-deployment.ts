import { dirname } from 'node:path'
import { standardPlugins } from '../plugins'
import { administratorPassword } from './administrator'
import type { DeploymentSettings } from './config/deployment'
import { loadSettings } from './config/load-settings'
import { located } from './config/located'
import { resolveDatabaseUrl } from './config/secret'
import { type AnyPlugin, composeChain } from './plugin/chain'
import { noteOrigin } from './plugin/origin'
import { loadPackages } from './plugin/packages'
import { readProperties } from './plugin/properties'
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
  /** Plugins of the program itself, which entries of the file may name too. */
  plugins?: readonly AnyPlugin[]
}

for (const plugin of standardPlugins) noteOrigin(plugin, 'built in')

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
  { inputs, plugins: own = [] }: LoadOptions = {},
): Promise<Deployment> {
  const settings = await loadSettings(file)
  return located(settings, async () => {
    const known = [...standardPlugins, ...own]
    const plugins = [...known, ...(await loadPackages(settings.plugins, settings.file, known))]
    for (const link of composeChain(plugins, settings.event_listener)) await readProperties(link)
    const url = resolveDatabaseUrl(settings.database, dirname(settings.file))
    if (inputs !== undefined) await prepareInputs(settings, inputs)
    return {
      ...settings,
      issuer: issuerOf(settings),
      plugins,
      database: { ...settings.database, url },
    }
  })
}

async function prepareInputs(
  settings: DeploymentSettings,
  inputs: 'check' | 'make',
): Promise<void> {
  if (inputs === 'make') await makeDevelopmentInputs(settings)
  await checkInputs(settings)
  await administratorPassword(settings)
}

function issuerOf({ server }: DeploymentSettings): string | undefined {
  if (server.issuer !== undefined) return server.issuer
  return server.port === 0 ? undefined : new URL(`https://${server.hostname}:${server.port}`).origin
}
