import { createHash } from 'node:crypto'
import { standardPlugins } from '../plugins'
import { located } from './config/located'
import { loadDeployment } from './load-deployment'
import type { CompleteOptions } from './options'
import type { Capabilities } from './plugin/capabilities'
import { type AnyPlugin, composeChain } from './plugin/chain'
import { isBuiltIn, isOfProgram } from './plugin/origin'
import { openRegistry, type Registry } from './plugin/registry'
import type { RegistrationSettings, TokenSettings } from './server/parts'
import type { ThrottleSettings } from './server/throttle'

/** The chain and the settings that are in force. */
export interface RunningChain {
  /** A reload puts others in its place, whole. */
  readonly current: InForce
  /**
   * Reads the file again and sets its chain up; `others` reads what else must be read, by the new
   * settings, before they may take the old ones' place, and gives what brings that into force at the
   * same moment. Throws and keeps the old chain when any of it fails.
   */
  reload(others: (settings: CompleteOptions) => Promise<() => void>): Promise<void>
  close(): Promise<void>
}

export interface InForce {
  readonly registry: Registry
  /** The settings, and all plugins there are, on or off. */
  readonly options: CompleteOptions & { plugins: readonly AnyPlugin[] }
  readonly tokens: TokenSettings
  readonly registration: RegistrationSettings
  /** Equal in two processes whose chains were made of the same settings. */
  readonly digest: string
  readonly throttle: ThrottleSettings
}

export async function openRunningChain(
  options: CompleteOptions,
  capabilities: Capabilities,
): Promise<RunningChain> {
  const plugins = withStandard(options.plugins ?? [])
  const open = async (
    settings: CompleteOptions,
    given: readonly AnyPlugin[],
  ): Promise<InForce> => ({
    options: { ...settings, plugins: given },
    registry: await openLocated(settings, given, capabilities),
    tokens: { ...settings.oauth.token_validation, ...settings.oauth.token_renewal },
    registration: settings.oauth.dcr,
    digest: digestOf(settings, given),
    throttle: settings.throttle,
  })
  const retired = openRetirement(options.server.limits.handler_timeout * 1000)
  const running = {
    current: await open(options, plugins),
    async reload(others: Parameters<RunningChain['reload']>[0]) {
      const again = await readAgain(options, plugins)
      const next = await open(again.settings, again.plugins)
      let bringIntoForce: () => void
      try {
        bringIntoForce = await others(again.settings)
      } catch (cause) {
        await next.registry.close()
        throw cause
      }
      bringIntoForce()
      retired.add(running.current.registry)
      running.current = next
    },
    async close() {
      await running.current.registry.close()
      await retired.close()
    },
  }
  return running
}

function digestOf(
  { event_listener, oauth, throttle }: CompleteOptions,
  plugins: readonly AnyPlugin[],
): string {
  const names = plugins.map(({ name }) => name)
  const text = JSON.stringify([event_listener, oauth, throttle, names])
  return createHash('sha256').update(text).digest('base64url')
}

/**
 * They are always there, whether a program lists them or not. Nobody else's plugin keeps one of them out:
 * a weaker check under the name that clients are registered with would be noticed by nobody.
 */
function withStandard(given: readonly AnyPlugin[]): AnyPlugin[] {
  const named = new Set(given.filter(isBuiltIn).map(({ name }) => name))
  const standard: readonly AnyPlugin[] = standardPlugins
  return [...standard.filter(({ name }) => !named.has(name)), ...given]
}

/** Without a file there is no line to tell. */
function openLocated(
  settings: CompleteOptions,
  plugins: readonly AnyPlugin[],
  capabilities: Capabilities,
): Promise<Registry> {
  const open = async () =>
    openRegistry(composeChain(plugins, settings.event_listener), capabilities)
  return settings.file === undefined ? open() : located(settings, open)
}

/** The file again, where there is one; plugins given by code stay. */
async function readAgain(
  options: CompleteOptions,
  plugins: readonly AnyPlugin[],
): Promise<{ settings: CompleteOptions; plugins: AnyPlugin[] }> {
  if (options.file === undefined) return { settings: options, plugins: [...plugins] }
  const next = await loadDeployment(options.file, { plugins: plugins.filter(isOfProgram) })
  return { settings: { ...options, ...next }, plugins: [...next.plugins] }
}

/**
 * Chains that were replaced. A request finishes with the chain that it began with, so its handlers are
 * closed only when no request can be with them any more: authentication, grant and a listener or two
 * take their whole time limit each at most.
 */
function openRetirement(handlerTimeout: number) {
  const timers = new Map<Registry, NodeJS.Timeout>()
  return {
    add(registry: Registry): void {
      const end = () => {
        timers.delete(registry)
        void registry.close()
      }
      timers.set(registry, setTimeout(end, 5 * handlerTimeout).unref())
    },
    async close(): Promise<void> {
      for (const [registry, timer] of timers) {
        clearTimeout(timer)
        await registry.close()
      }
    },
  }
}
