/**
 * 2,000 documents that nobody wrote: near misses of ours, and TOML of any shape. Each loads or is
 * refused in one line; nothing else.
 */
import fc from 'fast-check'
import { stringify } from 'smol-toml'
import { parseSettings } from '../../lib/config/load-settings'
import { schemaAt } from '../../lib/config/schema'
import { SetupError } from '../../lib/error/setup-error'

const oneLine = /^deployment\.toml:[1-9]\d*: [^\n]+[.?] ?[^\n]*[.?]$/

let loaded = 0

function judge(text: string): void {
  try {
    const settings = parseSettings(text, 'deployment.toml')
    loaded++
    expect(Object.keys(settings)).toEqual(expect.arrayContaining(['server', 'event_listener']))
    expect(settings.locate(['server', 'port']).line).toBeGreaterThan(0)
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    expect(error.message).toMatch(oneLine)
    expect(error.message.length).toBeLessThan(600)
    expect(error.place.line).toBeLessThanOrEqual(text.split('\n').length)
  }
  expect(Object.keys(Object.prototype)).toEqual([])
}

const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', '']
const key = fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 8 }))
const scalar = fc.oneof(
  fc.constantFrom('true', 'false', 'yes', '3600', '-1', 'none', 'localhost', '10.0.0.0/8', 'ES256'),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.boolean(),
  fc.integer({ min: -10, max: 100_001 }),
  fc.double({ noDefaultInfinity: false }),
  fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: false }),
  ),
}))

/** What a document cannot do without where its table is. */
const needed: Record<string, unknown> = {
  name: 'audit-log',
  trusted: ['10.0.0.0/8'],
  verified_header: 'none',
  password: 'not admin',
}

/** Our own tables and keys, mostly with their usual values, and now and then a key of nobody's. */
function table(path: readonly (string | number)[]): fc.Arbitrary<unknown> {
  const { properties, items, default: usual = needed[String(path.at(-1))] } = schemaAt(path) ?? {}
  if (items?.properties !== undefined) return fc.array(table([...path, 0]), { maxLength: 3 })
  if (properties === undefined) {
    // Left out where there is no usual value; else hardly any document would load.
    const any = fc.oneof(scalar, value)
    return fc.oneof({ arbitrary: fc.constant(usual), weight: 80 }, any)
  }
  const known = Object.keys(properties).map((name) => [name, table([...path, name])] as const)
  return fc
    .tuple(
      fc.record(Object.fromEntries(known), {
        requiredKeys: Object.keys(properties).filter((name) => name in needed),
      }),
      fc.oneof(
        { arbitrary: fc.constant({}), weight: 40 },
        fc.dictionary(key, value, { maxKeys: 1 }),
      ),
    )
    .map(([ours, others]) => ({ ...others, ...ours }))
}

/** Broken on purpose: characters taken out, put in, doubled. */
const spoilt = (text: fc.Arbitrary<string>) =>
  fc
    .tuple(
      text,
      fc.array(fc.tuple(fc.nat(), fc.constantFrom('[', ']', '"', '=', '\n', '.', '\0', '')), {
        maxLength: 4,
      }),
    )
    .map(([written, slips]) =>
      slips.reduce((now, [at, slip]) => {
        const place = at % (now.length + 1)
        return now.slice(0, place) + slip + now.slice(place + 1)
      }, written),
    )

const written = (document: fc.Arbitrary<unknown>) => document.map((tables) => toml(tables))

function toml(document: unknown): string {
  try {
    return stringify(document)
  } catch {
    return '# not to be written in TOML'
  }
}

test('documents of our own tables load or are refused in one line', () => {
  fc.assert(fc.property(written(table([])), judge), { numRuns: 1000 })
  expect(loaded).toBeGreaterThan(100)
})

test('documents of any shape load or are refused in one line', () => {
  fc.assert(fc.property(written(fc.dictionary(key, value, { maxKeys: 5 })), judge), {
    numRuns: 300,
  })
})

test('spoilt documents load or are refused in one line', () => {
  fc.assert(fc.property(spoilt(written(table([]))), judge), { numRuns: 500 })
})

test('texts that are no TOML are refused in one line', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), judge), { numRuns: 200 })
})
