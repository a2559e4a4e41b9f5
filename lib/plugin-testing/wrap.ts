import type { AnyPlugin } from '../plugin/chain'
import { keepOrigin } from '../plugin/origin'
import { type Contribution, definePlugin } from '../plugin/plugin'

/** The plugin with its contribution changed on the way to the registry. */
export function wrap(
  plugin: AnyPlugin,
  change: (contribution: Contribution) => Contribution,
): AnyPlugin {
  const setup: AnyPlugin['setup'] = async (context) => change(await plugin.setup(context))
  return keepOrigin({ ...plugin, setup }, plugin)
}

/** The same with one function of the clientAuth, the grant or the listener in place of the plugin's. */
export function replacing(
  plugin: AnyPlugin,
  part: 'clientAuth' | 'grant' | 'listener',
  name: string,
  work: (own: (...args: unknown[]) => unknown) => (...args: unknown[]) => unknown,
): AnyPlugin {
  return wrap(plugin, (contribution) => {
    const whole = contribution[part] as unknown as Record<string, (...args: unknown[]) => unknown>
    const own = (...args: unknown[]) => whole[name]?.(...args)
    return { ...contribution, [part]: { ...whole, [name]: work(own) } }
  })
}

/** What handlers do that were not tested: none of it is an answer. */
export const faults: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error('out of order')
  },
  rejects: async () => {
    throw new Error('out of order')
  },
  'throws what is no error': () => {
    throw 'out of order'
  },
  'rejects with what has no text': async () => {
    throw Object.create(null)
  },
  'answers true': () => true,
  'answers nothing': () => undefined,
  'answers null': () => null,
  'answers a promise of true': async () => true,
  'answers what looks like a verdict': () => ({ accepted: true, reason: undefined }),
}

/** Promises that nobody keeps, ours and those of other libraries. */
export const silences: Readonly<Record<string, () => unknown>> = {
  'never settles': () => new Promise(() => undefined),
  'never settles, in another library’s promise': () => thenable(() => undefined),
}

/** What `await` waits for, and what is no `Promise`. */
export function thenable(then: (resolve: (value: unknown) => void) => void): unknown {
  return Object.fromEntries([['then', then]])
}

/** A method that no request shows, so that a client of it must be refused whatever it shows. */
export const otherMethod = definePlugin({
  name: 'plugin-testing-other',
  order: 960,
  setup: () => ({
    clientAuth: {
      recognise: () => undefined,
      authenticate: () => {
        throw new Error('asked for a client that it did not see')
      },
    },
  }),
})

/** Tries to change everything that it is given, before anybody else sees it. */
export const vandal = definePlugin({
  name: 'plugin-testing-vandal',
  order: 0,
  setup: () => ({
    clientAuth: {
      recognise(request) {
        spoil(request)
        return undefined
      },
      authenticate: () => {
        throw new Error('asked for a client that it did not see')
      },
    },
    listener: Object.fromEntries(
      (['beforeIssue', 'issued', 'rejected', 'revoked', 'reuseDetected'] as const).map((event) => [
        event,
        (heard: object) => spoil(heard),
      ]),
    ),
  }),
})

function spoil(given: object): undefined {
  for (const [name, value] of Object.entries(given)) {
    if (Buffer.isBuffer(value)) value.fill(0)
    else if (typeof value === 'object' && value !== null) spoil(value)
    Reflect.set(given, name, 'spoilt')
    Reflect.set(given, `${name}_too`, 'spoilt')
  }
}
