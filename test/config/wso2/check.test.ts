/** What is imported is a configuration: `config check` accepts it, and the truststore is the one meant. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificate } from '../../../lib/certificate/make'
import { openTrust } from '../../../lib/certificate/trust'
import { importWso2 } from '../../../lib/config/import-wso2'
import { explainDeployment } from '../../../lib/explain-deployment'
import { loadDeployment } from '../../../lib/load-deployment'
import { nameAliases, typeAliases } from '../../../lib/plugin/aliases'
import { standardPlugins } from '../../../plugins'

const known = { names: nameAliases, types: typeAliases, handlers: standardPlugins }
const fixtures = readdirSync(__dirname).filter((name) => /\.(toml|xml)$/.test(name))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wso2-check-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test.each(fixtures)('config check accepts what comes of %s', async (fixture) => {
  const { toml } = await importWso2(join(__dirname, fixture), known)
  const file = join(folder, 'deployment.toml')
  writeFileSync(file, toml)
  const { chain, uncounted } = await explainDeployment(file)
  expect(uncounted).toBe('There is no database yet.')
  expect(chain.map(({ name }) => name)).toEqual(expect.arrayContaining(['client_credentials']))
  expect(readdirSync(folder)).toEqual(['deployment.toml'])
})

test('finds the truststore of WSO2’s home, wherever ours is written', async () => {
  const home = join(folder, 'is home')
  const conf = join(home, 'repository/conf')
  const security = join(home, 'repository/resources/security')
  for (const path of [conf, security]) mkdirSync(path, { recursive: true })
  const ca = makeCertificate({ name: 'Partner CA', ca: true, now: Date.now() })
  // What a store is, is told from its bytes.
  writeFileSync(join(security, 'client-truststore.jks'), ca.certificatePem)
  const stock = readFileSync(join(__dirname, 'stock.toml'), 'utf8')
  writeFileSync(join(conf, 'deployment.toml'), stock)

  const { toml, report } = await importWso2(join(conf, 'deployment.toml'), known)
  const elsewhere = join(folder, 'elsewhere')
  mkdirSync(elsewhere)
  writeFileSync(join(elsewhere, 'deployment.toml'), toml)
  const { truststore } = await loadDeployment(join(elsewhere, 'deployment.toml'))
  expect(truststore?.file_name).toBe(join(security, 'client-truststore.jks'))
  expect(report.find(({ key }) => key === 'truststore.file_name')).not.toMatchObject({
    reason: expect.stringContaining('Not found'),
  })
  const { password: _, ...plain } = truststore ?? { file_name: '' }
  const trust = await openTrust(plain)
  trust.setRegistered(new Set())
  expect(trust.anchors.map(({ subject }) => subject)).toEqual(['CN=Partner CA'])
})
