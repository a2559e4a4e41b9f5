/**
 * WSO2's files, as operators have them, beside what the import makes of each: our file, then a
 * dashed line, then what is told of each key, then the warnings. Whatever it makes must load here.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { importWso2, type KnownHandlers } from '../../../lib/config/import-wso2'
import { parseSettings } from '../../../lib/config/load-settings'
import { nameAliases, typeAliases } from '../../../lib/plugin/aliases'
import { composeChain } from '../../../lib/plugin/chain'
import { readProperties } from '../../../lib/plugin/properties'
import { standardPlugins } from '../../../plugins'

const known: KnownHandlers = {
  names: nameAliases,
  types: typeAliases,
  handlers: standardPlugins,
}
const files = readdirSync(__dirname).filter((name) => /\.(toml|xml)$/.test(name))

describe.each(files)('%s', (name) => {
  const imported = importWso2(join(__dirname, name), known)

  test('becomes a file that loads, with a chain that holds', async () => {
    const { toml } = await imported
    const settings = parseSettings(toml, '/elsewhere/deployment.toml')
    const chain = composeChain(standardPlugins, settings.event_listener)
    for (const link of chain) await readProperties(link)
    expect(chain.map(({ plugin }) => plugin.name)).toContain('mtls-secret')
  })

  test('is told key by key, with what WSO2 did without saying so', async () => {
    const { toml, report, warnings } = await imported
    const lines = [
      toml.trim(),
      '----------',
      ...report.map(({ key, outcome, reason }) => `${outcome}: ${key}: ${reason}`),
      ...warnings.map((warning) => `warning: ${warning}`),
    ]
    const home = resolve(__dirname, '../..')
    const expected = readFileSync(join(__dirname, name.replace(/\w+$/, 'expected')), 'utf8')
    expect(`${lines.join('\n').replaceAll(home, '<IS_HOME>')}\n`).toBe(expected)
  })
})
