import { z } from 'zod'
import type { ClientGroup } from '../../../lib/client/client-store'
import { parseSettings } from '../../../lib/config/load-settings'
import { definePlugin, type Plugin } from '../../../lib/plugin'
import { capabilitiesOf } from '../../../lib/plugin/capabilities'
import { composeChain } from '../../../lib/plugin/chain'
import { noteOrigin } from '../../../lib/plugin/origin'
import { openRegistry } from '../../../lib/plugin/registry'
import { type Explanation, explainChain } from '../../../lib/server/explain'
import { standardPlugins } from '../../../plugins'

const nothing = () => Promise.reject(new Error('not asked'))
const capabilities = capabilitiesOf({
  store: { findRefreshToken: nothing, findCode: nothing, seen: nothing },
  accounts: { verify: nothing },
  clock: Date,
  log: { info: () => {}, warn: () => {}, error: () => {} },
  urls: { issuer: 'https://localhost', token_endpoints: [] },
})

async function explain(
  toml: string,
  groups: ClientGroup[] | 'unknown' = [],
  more: Plugin[] = [],
): Promise<Explanation> {
  const settings = parseSettings(
    `super_admin = { create_admin_account = false }\n${toml}`,
    'deployment.toml',
  )
  const plugins = [...standardPlugins, ...more]
  const registry = await openRegistry(composeChain(plugins, settings.event_listener), capabilities)
  return explainChain({
    registry,
    plugins,
    settings,
    groups: groups === 'unknown' ? undefined : groups,
  })
}

const group = (clients: number, change: Partial<ClientGroup> = {}): ClientGroup => ({
  token_endpoint_auth_method: 'mtls-secret',
  grant_types: ['client_credentials'],
  without_certificate: false,
  disabled: false,
  clients,
  first: Array.from({ length: Math.min(clients, 3) }, (_, at) => ({
    client_id: `id${at}`,
    client_name: `name${at}`,
  })),
  ...change,
})
const entry = (name: string, ...lines: string[]) =>
  `[[event_listener]]\nname = "${name}"\n${lines.join('\n')}\n`
const problems = (findings: Explanation['notes']) =>
  findings.map(({ about, problem }) => `${about}: ${problem}`)

test('tells for each handler what it asks of how many, with a few names', async () => {
  const { chain, clients, off } = await explain(
    entry('mtls-secret', 'properties = { MandateMutualSSL = "observe" }'),
    [group(1_000_000), group(2, { without_certificate: true }), group(7, { disabled: true })],
  )
  expect(clients).toEqual({
    count: 1_000_002,
    first: ['name0 (id0)', 'name1 (id1)', 'name2 (id2)'],
  })
  expect(chain[0]).toMatchObject({
    order: 200,
    gives: ['client-auth'],
    needs: [
      { show: ['certificate', 'secret'], clients: { count: 1_000_000 } },
      { show: ['secret'], clients: { count: 2, first: ['name0 (id0)', 'name1 (id1)'] } },
    ],
  })
  expect(chain.find(({ grant_type }) => grant_type === 'client_credentials')?.clients?.count).toBe(
    1_000_002,
  )
  expect(chain.at(-1)).toMatchObject({
    name: 'audit-log',
    events: expect.arrayContaining(['issued']),
  })
  expect(off).toContain('private_key_jwt')
  // However many there are, it stays a page.
  expect(JSON.stringify(chain).length).toBeLessThan(3000)
})

test('tells the chain without clients that could not be counted', async () => {
  const { chain, clients, unserved, warnings, notes } = await explain('', 'unknown')
  expect(chain).toHaveLength(6)
  expect(chain[0]?.needs).toEqual([{ show: ['certificate', 'secret'], clients: undefined }])
  expect([clients, unserved, warnings, notes]).toEqual([undefined, undefined, [], []])
})

test('says nothing of a chain that needs nothing said', async () => {
  const { warnings, notes } = await explain('', [group(3)])
  expect([warnings, notes]).toEqual([[], []])
})

test('warns of clients that show their secret alone, and of the password grant, by name', async () => {
  const { warnings } = await explain(
    entry('client_secret_basic', 'order = 90') +
      entry('mtls-secret', 'properties = { MandateMutualSSL = false }'),
    [
      group(1, { token_endpoint_auth_method: 'client_secret_basic' }),
      group(4, { without_certificate: true }),
      group(2, { grant_types: ['password', 'refresh_token'] }),
    ],
  )
  expect(problems(warnings)).toEqual([
    expect.stringMatching(/^client_secret_basic: 1 client shows its secret alone: name0 \(id0\); /),
    expect.stringMatching(/^mtls-secret: 4 clients show their secret alone: .*name2 \(id2\), …; /),
    expect.stringMatching(/^password: 2 clients list the password grant: .*RFC 9700 section 2\.4/),
  ])
})

test.each([
  ['a password that everybody knows', '', ['super_admin.password']],
  [
    'a proxy that says nothing, and of one that anybody may be',
    '[super_admin]\npassword = "long"\n[proxy]\ntrusted = ["10.0.0.0/8", "0.0.0.0/0"]\nverified_header = "none"',
    ['proxy.verified_header', 'proxy.trusted.1'],
  ],
])('warns of %s', async (_what, toml, about) => {
  const registry = await openRegistry(composeChain(standardPlugins, []), capabilities)
  const { warnings } = await explainChain({
    registry,
    plugins: standardPlugins,
    settings: parseSettings(toml, 'deployment.toml'),
    groups: [],
  })
  expect(warnings.map((warning) => warning.about)).toEqual(about)
})

test('warns of what a grace lets happen, of a soft OCSP, and of a chain that nobody listens to', async () => {
  const { warnings } = await explain(
    `[oauth.token_renewal]\ngrace = 5\n[truststore]\nocsp = "soft"\n${entry('audit-log', 'enable = false')}`,
  )
  expect(warnings.map(({ about }) => about)).toEqual([
    'truststore.ocsp',
    'oauth.token_renewal.grace',
    'audit-log',
  ])
})

test('warns of what a plugin itself finds insecure', async () => {
  const odd = definePlugin({
    name: 'odd',
    setup: () => ({ listener: {}, warnings: ['It speaks to everybody.'] }),
  })
  const { warnings } = await explain(entry('odd', 'order = 5'), [], [odd])
  expect(warnings).toEqual([
    { about: 'odd', problem: 'It speaks to everybody.', key: ['event_listener', 0] },
  ])
})

describe('notes', () => {
  test.each([
    [
      'an entry that changes nothing',
      entry('mtls-secret', 'order = 200', 'properties = { MandateMutualSSL = true }'),
      [group(1)],
      [/^mtls-secret: The entry changes nothing but its id: mtls-secret is on at 200 /],
    ],
    [
      'off what is off',
      entry('private_key_jwt', 'enable = false'),
      [group(1)],
      [/^private_key_jwt: enable = false, and private_key_jwt is off anyway\.$/],
    ],
    [
      'properties of what is off',
      entry('mtls-secret', 'enable = false', 'properties = { MandateMutualSSL = true }'),
      [],
      [/^mtls-secret: enable = false: the properties of mtls-secret are not looked at\.$/],
    ],
    [
      'a method that is off and used',
      '',
      [group(5, { token_endpoint_auth_method: 'private_key_jwt' })],
      [
        /^private_key_jwt: 5 clients have the method private_key_jwt: .*; that handler is off, so they are refused\. List it/,
      ],
    ],
    [
      'a method that there is not',
      '',
      [group(1, { token_endpoint_auth_method: 'acme' })],
      [/^acme: 1 client has the method acme: .*; no plugin has that name, so they are refused\.$/],
    ],
    [
      'clients that are always refused',
      '',
      [group(2, { without_certificate: true })],
      [/^mtls-secret: 2 clients are registered without certificate: .*lets nobody pass that way/],
    ],
    [
      'a grant that is off and listed',
      entry('password', 'enable = false'),
      [group(3, { grant_types: ['password'] })],
      [/^password: 3 clients list the grant password: .*unsupported_grant_type\.$/],
    ],
    [
      'what was turned on for nobody',
      entry('client_secret_post', 'order = 210'),
      [group(1)],
      [/^client_secret_post: client_secret_post is on, and no client uses it\.$/],
    ],
    ['nothing of an entry that moves', entry('mtls-secret', 'order = 7'), [group(1)], []],
    [
      'nothing of an entry that sets',
      entry('mtls-secret', 'properties = { ClientSecretInQuery = "accept" }'),
      [group(1)],
      [],
    ],
  ])('%s', async (_what, toml, groups, expected) => {
    const { notes } = await explain(toml, groups)
    expect(problems(notes)).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
  })

  test('a package’s plugin that no entry names', async () => {
    const acme = definePlugin({ name: 'acme', setup: () => ({ listener: {} }) })
    noteOrigin(acme, { package: 'acme-things' })
    const { notes } = await explain('', [], [acme])
    expect(problems(notes)).toEqual([
      'acme: acme comes with the package "acme-things" and is off: no [[event_listener]] names it.',
    ])
  })
})

test('a plugin that can’t tell what it asks is told as unknown, and starts', async () => {
  const auth = { recognise: () => undefined, authenticate: nothing }
  const silent = definePlugin({ name: 'silent', order: 1, setup: () => ({ clientAuth: auth }) })
  const broken = definePlugin({
    name: 'broken',
    order: 2,
    properties: z.strictObject({}),
    setup: () => ({
      clientAuth: {
        ...auth,
        needs: () => {
          throw new Error('out of order')
        },
      },
    }),
  })
  const { chain } = await explain('', [], [silent, broken])
  expect(chain.slice(0, 2).map(({ needs }) => needs?.[0]?.show)).toEqual([['unknown'], ['unknown']])
})
