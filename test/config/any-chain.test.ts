/**
 * 2,000 chains that nobody wrote, through `loadDeployment`: handlers by every name, types, orders and
 * properties with names that mean something to JavaScript. Each loads, and then opens or is refused, or
 * is refused in one line; no object of the process is another one afterwards.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { SetupError } from '../../lib/error/setup-error'
import { loadDeployment } from '../../lib/load-deployment'
import { nameAliases, typeAliases } from '../../lib/plugin/aliases'
import { composeChain } from '../../lib/plugin/chain'
import { readProperties } from '../../lib/plugin/properties'
import { standardPlugins } from '../../plugins'

const folder = mkdtempSync(join(tmpdir(), 'any-chain-'))
const file = join(folder, 'deployment.toml')
afterAll(() => rmSync(folder, { recursive: true }))

const odd = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', '']
const known = [...standardPlugins.map(({ name }) => name), ...Object.keys(nameAliases)]
const paths = ['../../x', '/etc/passwd', 'node:fs', 'file:///x', 'https://x.example', 'fs']

const name = fc.oneof(
  { arbitrary: fc.constantFrom(...known), weight: 12 },
  fc.constantFrom(...odd, ...paths),
  fc.string({ maxLength: 10 }),
)
const property = fc.oneof(
  { arbitrary: fc.constantFrom('MandateMutualSSL', 'ClientSecretInQuery'), weight: 4 },
  fc.constantFrom(...odd, 'MandateMutualSSl', 'polluted'),
  fc.string({ unit: 'grapheme-ascii', maxLength: 6 }),
)
const text = (value: string) => JSON.stringify(value).replaceAll('\u007f', '\\u007f')
const scalar = fc.oneof(
  fc.constantFrom(
    'true',
    'false',
    '"true"',
    '"false"',
    '"observe"',
    '"accept"',
    '"refuse"',
    '"yes"',
  ),
  fc.constantFrom('1', '-1', 'nan', '1e400', '1979-05-27', '[]', '{}', '[[1], {a = 1}]'),
  fc.constantFrom(
    '{ __proto__ = { polluted = true } }',
    '{ constructor.prototype.polluted = true }',
  ),
  fc.string({ maxLength: 8 }).map(text),
)
const order = fc.oneof(
  { arbitrary: fc.integer({ min: 200, max: 215 }).map(String), weight: 6 },
  fc.constantFrom('-1', '0', '1.5', '1e3', '100000', '100001', '9007199254740993', '"210"', 'inf'),
)
const line = (key: string, value: fc.Arbitrary<string>, weight: number) =>
  fc.oneof(
    { arbitrary: value.map((written) => `${key} = ${written}`), weight },
    { arbitrary: fc.constant(''), weight: 10 - weight },
  )
const entry = fc
  .tuple(
    name.map((written) => `name = ${text(written)}`),
    line('id', name.map(text), 2),
    line(
      'type',
      fc.constantFrom(...Object.keys(typeAliases), ...odd, 'any', 'Listener').map(text),
      3,
    ),
    line('order', order, 8),
    line('enable', fc.constantFrom('true', 'false', '"true"', '"no"', '1'), 3),
    fc.array(fc.tuple(property, scalar), { maxLength: 2 }),
  )
  .map(([named, id, type, place, enable, properties]) =>
    [
      '[[event_listener]]',
      named,
      id,
      type,
      place,
      enable,
      ...(properties.length === 0 ? [] : ['[event_listener.properties]']),
      ...properties.map(([key, value]) => `${text(key)} = ${value}`),
    ].join('\n'),
  )
const plugins = fc.oneof(
  { arbitrary: fc.constant(''), weight: 9 },
  fc.array(name, { maxLength: 2 }).map((names) => `plugins = [${names.map(text).join(', ')}]`),
)
const document = fc
  .tuple(plugins, fc.array(entry, { maxLength: 4 }))
  .map(([first, entries]) => [first, ...entries].join('\n'))

const prototypes = [Object, Array, Function, String, Promise, Map].map(
  ({ prototype }) => [prototype, Reflect.ownKeys(prototype).length] as const,
)

test('2,000 chains load or are refused in one line', async () => {
  const count = { loaded: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(document, async (written) => {
      writeFileSync(file, written)
      try {
        const { plugins, event_listener } = await loadDeployment(file)
        for (const link of composeChain(plugins, event_listener)) await readProperties(link)
        count.loaded += 1
      } catch (error) {
        if (!(error instanceof SetupError)) throw error
        expect(error.message).toMatch(/deployment\.toml:[1-9]\d*: [^\n]+$/)
        expect(error.message.length).toBeLessThan(1000)
        count.refused += 1
      }
      for (const [prototype, keys] of prototypes) {
        expect(Reflect.ownKeys(prototype)).toHaveLength(keys)
      }
      expect('polluted' in {}).toBe(false)
    }),
    { numRuns: 2000 },
  )
  expect(count.loaded).toBeGreaterThan(200)
  expect(count.refused).toBeGreaterThan(200)
}, 60_000)
