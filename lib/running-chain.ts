import { standardPlugins } from '../plugins'
import { loadDeployment } from './load-deployment'
import type { CompleteOptions } from './options'
import { type AnyPlugin, composeChain } from './plugin/chain'
import { openRegistry, type Registry, type SharedContext } from './plugin/registry'
import type { RegistrationSettings, TokenSettings } from './server/parts'

/** The chain and the settings that are in force; a reload puts others in their place, whole. */
export interface RunningChain {
  readonly registry: Registry
  readonly tokens: TokenSettings
  readonly registration: RegistrationSettings
  /**
   * Reads the file again and sets its chain up; `others` is what else must be read before it may take
   * the old one's place. Throws and keeps the old chain when any of it fails.
   */
  reload(others: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

export async function openRunningChain(
  options: CompleteOptions,
  context: SharedContext,
): Promise<RunningChain> {
  const plugins = options.plugins ?? standardPlugins
  const open = async (settings: CompleteOptions, given: readonly AnyPlugin[]) => ({
    registry: await openRegistry(composeChain(given, settings.event_listener), context),
    tokens: { ...settings.oauth.token_validation, ...settings.oauth.token_renewal },
    registration: settings.oauth.dcr,
  })
  let current = await open(options, plugins)

  return {
    get registry() {
      return current.registry
    },
    get tokens() {
      return current.tokens
    },
    get registration() {
      return current.registration
    },
    async reload(others) {
      const again = await readAgain(options, plugins)
      const next = await open(again.settings, again.plugins)
      try {
        await others()
      } catch (cause) {
        await next.registry.close()
        throw cause
      }
      const { registry } = current
      current = next
      // Requests under way still hold the old handlers; each of them ends within its time limit.
      const patience = options.server.limits.handler_timeout * 1000
      setTimeout(() => void registry.close(), patience).unref()
    },
    close: () => current.registry.close(),
  }
}

/** The file again, where there is one; plugins given by code stay. */
async function readAgain(
  options: CompleteOptions,
  plugins: readonly AnyPlugin[],
): Promise<{ settings: CompleteOptions; plugins: AnyPlugin[] }> {
  if (options.file === undefined) return { settings: options, plugins: [...plugins] }
  const next = await loadDeployment(options.file)
  const byName = new Map([...plugins, ...next.plugins].map((plugin) => [plugin.name, plugin]))
  return { settings: { ...options, ...next }, plugins: [...byName.values()] }
}
