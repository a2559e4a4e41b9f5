import { definePlugin } from '../../../lib/plugin'
import { type ChainEntry, composeChain } from '../../../lib/plugin/chain'
import { noteOrigin } from '../../../lib/plugin/origin'
import { describeLink } from '../../../lib/plugin/registry'
import { standardPlugins } from '../../../plugins'

const plugin = (name: string, order?: number) =>
  definePlugin({
    name,
    ...(order === undefined ? {} : { order }),
    setup: () => ({ listener: {} }),
  })
const entry = (name: string, more: Partial<ChainEntry> = {}): ChainEntry => ({
  id: name,
  name,
  type: 'listener',
  enable: true,
  properties: {},
  ...more,
})
const plugins = [plugin('a', 10), plugin('b', 20), plugin('off')]
const chain = (...entries: ChainEntry[]) => composeChain(plugins, entries).map(describeLink)

const javaType = 'org.wso2.carbon.identity.core.handler.AbstractIdentityHandler'
const javaName =
  'org.wso2.carbon.identity.oauth2.token.handler.clientauth.tlswithidsecret.MutualTLSWithIdSecretAuthenticator'

test('is the default chain where there is no entry', () => {
  expect(composeChain(standardPlugins, []).map(describeLink)).toEqual([
    '200 mtls-secret',
    '300 authorization_code',
    '310 client_credentials',
    '320 password',
    '330 refresh_token',
    '900 audit-log',
  ])
})

test('is changed by name, not replaced; small orders come first', () => {
  expect(chain(entry('b', { order: 5, id: 'mine' }), entry('off', { order: 15 }))).toEqual([
    '5 mine (b)',
    '10 a',
    '15 off',
  ])
  expect(chain(entry('a', { enable: false }))).toEqual(['20 b'])
})

test('asks for no order of what is off', () => {
  expect(chain(entry('off', { enable: false }))).toEqual(['10 a', '20 b'])
  expect(chain(entry('off', { enable: false, order: 10 }))).toEqual(['10 a', '20 b'])
})

test('takes an order that only something off has', () => {
  expect(chain(entry('a', { enable: false }), entry('off', { order: 10 }))).toEqual([
    '10 off',
    '20 b',
  ])
})

test('knows WSO2’s names, whichever of its types they have', () => {
  const java = entry(javaName, { id: 'mutual_ssl', type: javaType, order: 200 })
  expect(composeChain(standardPlugins, [java]).map(describeLink)[0]).toBe(
    '200 mutual_ssl (mtls-secret)',
  )
})

describe('refuses, with the key', () => {
  test.each<[string, ChainEntry[], RegExp, unknown[]]>([
    [
      'an unknown name',
      [entry('c')],
      /^No handler is named "c"\. Known names: a, b, off;/,
      [0, 'name'],
    ],
    ['a name of Object', [entry('constructor')], /No handler is named "constructor"/, [0, 'name']],
    ['__proto__', [entry('__proto__')], /No handler is named "__proto__"/, [0, 'name']],
    [
      'a type of Object',
      [entry('a', { type: 'toString' })],
      /handler type .*"toString"/,
      [0, 'type'],
    ],
    [
      'a name listed twice',
      [entry('a', { id: 'x' }), entry('a', { id: 'y' })],
      /^"a" is listed twice, as "x" and "y"\./,
      [1, 'name'],
    ],
    [
      'an order that is taken, naming both',
      [entry('a', { id: 'x', order: 20 })],
      /^order 20 is taken by both "b" and "x"\./,
      [0, 'order'],
    ],
    ['no order where there is none', [entry('off')], /"off" has no order/, [0]],
    [
      'a fraction',
      [entry('a', { order: 1.5 })],
      /whole number from 0 to 100000, found 1\.5/,
      [0, 'order'],
    ],
    ['a negative order', [entry('a', { order: -1 })], /found -1/, [0, 'order']],
    ['a huge order', [entry('a', { order: 100_001 })], /found 100001/, [0, 'order']],
    ['no number', [entry('a', { order: Number.NaN })], /found NaN/, [0, 'order']],
  ])('%s', (_what, entries, message, key) => {
    expect(() => composeChain(plugins, entries)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(message),
        place: { key: ['event_listener', ...key] },
      }),
    )
  })
})

test('refuses two plugins of one name, and says whose they are', () => {
  const [ours, theirs] = [plugin('same'), plugin('same')]
  noteOrigin(ours, 'built in')
  noteOrigin(theirs, { package: 'acme' })
  const both = /^Two plugins are named "same": of mtls-secret itself and of the package "acme"\./
  expect(() => composeChain([ours, theirs], [])).toThrow(both)
  expect(() => composeChain([ours, plugin('same')], [])).toThrow(/itself and of the program\./)
})

test('refuses a plugin with a name that would not be a word in a log', () => {
  const named = (name: string) => ({ name, setup: () => ({ listener: {} }) })
  for (const name of ['', 'A', 'a b', 'a\n', '../x', '__proto__', 'a'.repeat(65)]) {
    expect(() => composeChain([named(name)], [])).toThrow(/name must be lower-case letters/)
    expect(() => definePlugin(named(name))).toThrow(/name must be lower-case letters/)
  }
})
