/** Whatever WSO2's file says, ours loads: 300 files of WSO2's keys with values that nobody checked. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { stringify } from 'smol-toml'
import { importWso2 } from '../../../lib/config/import-wso2'
import { parseSettings } from '../../../lib/config/load-settings'
import { nameAliases, typeAliases } from '../../../lib/plugin/aliases'
import { composeChain } from '../../../lib/plugin/chain'
import { readProperties } from '../../../lib/plugin/properties'
import { standardPlugins } from '../../../plugins'

const folder = mkdtempSync(join(tmpdir(), 'mtls-secret-'))
afterAll(() => rmSync(folder, { recursive: true }))

const value = fc.oneof(
  fc.constantFrom('admin', 'true', 'no', '-1', '3600', '443', '$env{X}', '$ref{server.hostname}'),
  fc.constantFrom(
    'localhost',
    'id.example',
    '0.0.0.0',
    'a.jks',
    `\${carbon.home}/b.p12`,
    'TLSv1.2',
  ),
  fc.string({ maxLength: 12 }),
  fc.boolean(),
  fc.integer({ min: -2, max: 70_000 }),
  fc.constant([]),
)
const table = (...keys: string[]) =>
  fc.record(Object.fromEntries(keys.map((key) => [key, value])), { requiredKeys: [] })

const listener = fc.record(
  {
    id: fc.constantFrom('a', 'b', ''),
    type: fc.oneof(fc.constantFrom(...Object.keys(typeAliases)), value),
    name: fc.oneof(
      {
        arbitrary: fc.constantFrom(...Object.keys(nameAliases), 'audit-log', 'password'),
        weight: 9,
      },
      value,
    ),
    order: fc.oneof(fc.constantFrom(100, 200, '200', 300, 310), value),
    enable: value,
    properties: table('MandateMutualSSL', 'ClientSecretInQuery', '__proto__', 'constructor'),
  },
  { requiredKeys: ['name'] },
)
const file = fc.record(
  {
    server: table('hostname', 'node_ip', 'offset', 'base_path', 'port'),
    super_admin: table('username', 'password', 'create_admin_account'),
    keystore: fc.record({
      primary: table('file_name', 'password', 'key_password'),
      tls: table('file_name', 'password', 'key_password'),
    }),
    truststore: table('file_name', 'password', 'type'),
    oauth: fc.record({
      token_validation: table('app_access_token_validity', 'refresh_token_validity'),
      token_renewal: table('renew_refresh_token'),
      dcr: table('enable'),
    }),
    transport: fc.record({ https: fc.record({ properties: table('port', 'proxyPort') }) }),
    event_listener: fc.array(listener, { maxLength: 5 }),
  },
  { requiredKeys: [] },
)

test('what is imported loads, and its chain holds', async () => {
  const path = join(folder, 'deployment.toml')
  const property = fc.asyncProperty(file, async (tables) => {
    writeFileSync(path, stringify(tables))
    const known = { names: nameAliases, types: typeAliases, handlers: standardPlugins }
    const { toml, report } = await importWso2(path, known)
    const chain = composeChain(standardPlugins, parseSettings(toml, path).event_listener)
    for (const link of chain) await readProperties(link)
    const keys = report.map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length)
  })
  await fc.assert(property, { numRuns: 300 })
})
