import type { StandardSchemaV1 } from '@standard-schema/spec'
import { z } from 'zod'
import { type Contribution, definePlugin, type Plugin } from '../../../lib/plugin'
import { capabilitiesOf } from '../../../lib/plugin/capabilities'
import { type ChainEntry, composeChain } from '../../../lib/plugin/chain'
import { openRegistry } from '../../../lib/plugin/registry'

const logged: [string, object | undefined][] = []
const seen: string[] = []
const grant = { grant_id: 'g', client_id: 'a', sub: 'anna' }
const capabilities = capabilitiesOf({
  store: {
    findRefreshToken: async () => ({ digest: 'd', grant }) as never,
    findCode: async () => ({ digest: 'd', sub: 'anna' }) as never,
    seen: async (key) => {
      seen.push(key)
      return false
    },
  },
  accounts: {
    verify: async () => ({ account_id: '1', username: 'anna', password: 'hash' }) as never,
  },
  clock: Date,
  log: {
    info: (event, facts) => void logged.push([event, facts]),
    warn: (event, facts) => void logged.push([event, facts]),
    error: (event, facts) => void logged.push([event, facts]),
  },
  urls: {
    issuer: 'https://localhost',
    token_endpoints: ['https://localhost/oauth2/token'],
    set: () => 'secret',
  } as never,
})
beforeEach(() => {
  logged.length = 0
  seen.length = 0
})

const plugin = (name: string, setup: Plugin['setup'], order = 10) =>
  definePlugin({ name, order, setup })
const open = (...plugins: Plugin[]) => openRegistry(composeChain(plugins, []), capabilities)
const withEntry = (one: Plugin, entry: Partial<ChainEntry>) =>
  openRegistry(
    composeChain(
      [one],
      [{ id: 'it', name: one.name, type: 'listener', enable: true, properties: {}, ...entry }],
    ),
    capabilities,
  )

describe('what a plugin is given', () => {
  async function contextOf(): Promise<Record<string, Record<string, unknown>>> {
    let given: unknown
    await open(
      plugin('taker', (context) => {
        given = context
        return { listener: {} }
      }),
    )
    return given as Record<string, Record<string, unknown>>
  }

  test('is what its types say and nothing more, and can’t be changed', async () => {
    const context = await contextOf()
    expect(Object.keys(context).sort()).toEqual([
      'accounts',
      'clock',
      'codes',
      'log',
      'properties',
      'refreshTokens',
      'replay',
      'urls',
    ])
    expect(Object.isFrozen(context)).toBe(true)
    for (const [name, given] of Object.entries(context)) {
      if (name === 'properties') continue
      expect([name, Object.isFrozen(given)]).toEqual([name, true])
    }
    expect(Object.keys(context.urls ?? {})).toEqual(['issuer', 'token_endpoints'])
    expect(Object.keys(context.accounts ?? {})).toEqual(['verify'])
  })

  test('tells of an account no more than its name and id, and freezes what is found', async () => {
    const { accounts, refreshTokens, codes } = (await contextOf()) as never as {
      accounts: { verify(): Promise<object> }
      refreshTokens: { find(token: string): Promise<{ grant: object }> }
      codes: { find(code: string): Promise<object> }
    }
    expect(await accounts.verify()).toEqual({ account_id: '1', username: 'anna' })
    const token = await refreshTokens.find('x')
    expect(Object.isFrozen(token) && Object.isFrozen(token.grant)).toBe(true)
    expect(Object.isFrozen(await codes.find('x'))).toBe(true)
    expect(grant).toEqual({ grant_id: 'g', client_id: 'a', sub: 'anna' })
  })

  test('remembers used keys for each plugin by itself', async () => {
    for (const name of ['one', 'two']) {
      await open(
        plugin(name, async ({ replay }) => {
          await replay.seen('key', 1)
          return { listener: {} }
        }),
      )
    }
    expect(seen).toEqual(['["one","key"]', '["two","key"]'])
  })
})

describe('properties', () => {
  const spoil: StandardSchemaV1<object, object> = {
    '~standard': { version: 1, vendor: 'me', validate: (value) => ({ value: value as object }) },
  }

  test('are a copy without prototype: a plugin that writes to them changes nothing else', async () => {
    const properties = { deep: { list: [{ a: 1 }] } }
    let given: Record<string, { list: { a: number }[] }> | undefined
    await withEntry(
      definePlugin({
        name: 'spoiler',
        properties: spoil,
        setup: (context) => {
          given = context.properties as typeof given
          Object.assign(given?.deep?.list[0] ?? {}, { a: 2 })
          return { listener: {} }
        },
      }),
      { order: 1, properties },
    )
    expect(given?.deep?.list).toEqual([{ a: 2 }])
    expect(properties).toEqual({ deep: { list: [{ a: 1 }] } })
    expect(Object.getPrototypeOf(given)).toBeNull()
    expect(Object.getPrototypeOf(given?.deep)).toBeNull()
  })

  const strict = definePlugin({
    name: 'strict',
    properties: z.strictObject({
      claim: z.string().default('tenant'),
      deep: z.object({ n: z.int() }).optional(),
    }),
    setup: () => ({ listener: {} }),
  })

  test.each<[string, object, RegExp, unknown[]]>([
    [
      'misspelt',
      { clam: 'x' },
      /^"strict" has no property "clam"\. Correct its spelling/,
      ['clam'],
    ],
    ['of the wrong type', { claim: 7 }, /^claim: .*expected string/, ['claim']],
    ['wrong deep inside', { deep: { n: 1.5 } }, /^deep\.n: /, ['deep', 'n']],
  ])('that are %s are refused with their key', async (_what, properties, message, key) => {
    await expect(
      withEntry(strict, { order: 1, properties: properties as never }),
    ).rejects.toMatchObject({
      problem: expect.anything(),
      message: expect.stringMatching(message),
      place: { key: ['event_listener', 0, 'properties', ...key] },
    })
  })

  test('are refused where there is no schema', async () => {
    const bare = plugin('bare', () => ({ listener: {} }))
    await expect(withEntry(bare, { properties: { a: 1 } })).rejects.toThrow(
      '"bare" has no property "a". Remove it.',
    )
  })

  test('of a schema that fails are the plugin’s fault, in one line', async () => {
    const broken: StandardSchemaV1 = {
      '~standard': { version: 1, vendor: 'me', validate: () => Promise.reject(new Error('a\nb')) },
    }
    const odd = definePlugin({ name: 'odd', properties: broken, setup: () => ({ listener: {} }) })
    await expect(withEntry(odd, { order: 1 })).rejects.toThrow(
      /^The schema of "odd" fails: a\. Ask whoever wrote the plugin\.$/,
    )
  })
})

describe('what a plugin gives is refused', () => {
  const decide = () => ({ sub: 'x' })
  const auth = { recognise: () => undefined, authenticate: () => undefined as never }

  test.each<[string, unknown, RegExp]>([
    ['that is nothing', undefined, /gives nothing\. Its setup must return an object/],
    ['that has no part', {}, /gives no clientAuth, grant or listener/],
    ['that is misspelt', { listner: {} }, /setup has no "listner"\. Write listener\./],
    ['whose event is misspelt', { listener: { onIssued: decide } }, /listener has no "onIssued"/],
    [
      'whose event is no function',
      { listener: { issued: true } },
      /listener\.issued must be a function/,
    ],
    [
      'whose method is misspelt',
      { clientAuth: { ...auth, authentcate: decide } },
      /Write authenticate\./,
    ],
    [
      'without recognise',
      { clientAuth: { authenticate: decide } },
      /clientAuth\.recognise must be a function/,
    ],
    [
      'that lets the query in by a word',
      { clientAuth: { ...auth, secretInQuery: 'no' } },
      /must be true or false/,
    ],
    ['without grant_type', { grant: { decide } }, /grant\.grant_type must be a URI/],
    [
      'of a grant_type nobody can list',
      { grant: { grant_type: 'acme', decide } },
      /grant_type must be a URI, like "urn:acme:x"/,
    ],
    [
      'whose parameters are a text',
      { grant: { grant_type: 'urn:x', parameters: 'a', decide } },
      /a list of parameter names/,
    ],
    [
      'with warnings that are no list',
      { listener: {}, warnings: 'beware' },
      /warnings must be a list/,
    ],
  ])('%s', async (_what, contribution, message) => {
    await expect(open(plugin('odd', () => contribution as Contribution))).rejects.toThrow(message)
  })

  test('of another type than the entry says', async () => {
    const one = plugin('one', () => ({ listener: {} }))
    await expect(withEntry(one, { type: 'grant' })).rejects.toMatchObject({
      message: '"one" is not a handler of type "grant". Write one of: listener.',
      place: { key: ['event_listener', 0, 'type'] },
    })
  })

  test('for a grant that another plugin gives, naming both', async () => {
    const two = ['one', 'two'].map((name, at) =>
      plugin(name, () => ({ grant: { grant_type: 'urn:x', decide } }), at),
    )
    await expect(open(...two)).rejects.toThrow(
      'The grant_type "urn:x" is offered by both "one" and "two". Turn one of them off: enable = false.',
    )
  })
})

describe('closing', () => {
  const closed: string[] = []
  beforeEach(() => {
    closed.length = 0
  })
  const closing = (name: string, order: number, close: () => unknown = () => undefined) =>
    plugin(
      name,
      () => ({
        listener: {},
        async close() {
          closed.push(name)
          await close()
        },
      }),
      order,
    )

  test('goes in reverse, and each only once', async () => {
    const registry = await open(closing('one', 1), closing('two', 2), closing('three', 3))
    await registry.close()
    await registry.close()
    expect(closed).toEqual(['three', 'two', 'one'])
  })

  test('is not stopped by one that throws or never ends, and tells of it', async () => {
    const registry = await open(
      closing('one', 1),
      closing('throws', 2, () => Promise.reject(new Error('stuck'))),
      closing('hangs', 3, () => new Promise(() => undefined)),
    )
    await registry.close()
    expect(closed).toEqual(['hangs', 'throws', 'one'])
    expect(logged.map(([event, facts]) => [event, facts])).toEqual([
      ['handler.failed', { handler: 'hangs', step: 'close', problem: 'Error: no answer in time' }],
      ['handler.failed', { handler: 'throws', step: 'close', problem: 'Error: stuck' }],
    ])
  })

  test('goes on after one that throws what has no text', async () => {
    const registry = await open(
      closing('one', 1),
      closing('mute', 2, () => Promise.reject(Object.create(null))),
    )
    await registry.close()
    expect(closed).toEqual(['mute', 'one'])
    const problem = 'something that can not be shown'
    expect(logged).toEqual([['handler.failed', { handler: 'mute', step: 'close', problem }]])
  })

  test.each([
    ['an object without a prototype', Object.create(null)],
    [
      'an error whose message has none',
      Object.assign(new Error(), { message: Object.create(null) }),
    ],
  ])(
    'follows a setup that throws what has no text, and is told as any other: %s',
    async (_, cause) => {
      const mute = plugin('mute', () => Promise.reject(cause), 2)
      await expect(open(closing('one', 1), mute)).rejects.toThrow(
        /^The handler "mute" cannot be set up: something that can not be shown\. See/,
      )
      expect(closed).toEqual(['one'])
    },
  )

  test('follows a setup that fails, for what was set up before', async () => {
    const failing = plugin('failing', () => Promise.reject(new Error('no\ndisk')), 3)
    await expect(open(closing('one', 1), closing('two', 2), failing)).rejects.toThrow(
      /^The handler "failing" cannot be set up: no\. See the documentation of "failing", or turn it off/,
    )
    expect(closed).toEqual(['two', 'one'])
  })

  test('includes a contribution that is refused', async () => {
    const odd = plugin('odd', () => ({ close: () => void closed.push('odd') }) as never)
    await expect(open(odd)).rejects.toThrow('gives no clientAuth')
    expect(closed).toEqual(['odd'])
  })
})

test('finds handlers by method, grant type and event, with the plugin’s name', async () => {
  const registry = await open(
    plugin(
      'both',
      () => ({
        clientAuth: { recognise: () => 'a', authenticate: () => undefined as never },
        grant: { grant_type: 'urn:x', decide: () => ({ sub: 'x' }) },
      }),
      1,
    ),
    plugin('ears', () => ({ listener: { issued: () => undefined } }), 2),
  )
  expect(registry.clientAuth('both')?.name).toBe('both')
  expect(registry.clientAuth('ears')).toBeUndefined()
  expect(registry.grant('urn:x')?.name).toBe('both')
  expect(registry.grant('constructor')).toBeUndefined()
  expect(registry.grantTypes).toEqual(['urn:x'])
  expect(registry.listeners('issued').map(({ name }) => name)).toEqual(['ears'])
  expect(registry.listeners('rejected')).toEqual([])
  expect(String(registry)).toBe('1 both · 2 ears')
})
