/**
 * `require('mtls-secret')` is quick: drivers, X.509, keystores, JWT and TOML are loaded when they are
 * needed, which for most programs is never for most of them. Whoever asks for a store by
 * `mtls-secret/store` wants the query builder with it, and still no driver but the one it opens.
 */
import { execFileSync } from 'node:child_process'
import { root } from './sources'

const late = [
  'asn1js',
  'better-sqlite3',
  'commander',
  'jks-js',
  'jsonwebtoken',
  'kysely',
  'pg',
  'pkijs',
  'smol-toml',
  'toml-eslint-parser',
]

test.each([
  ['mtls-secret', []],
  ['mtls-secret/plugin', []],
  ['mtls-secret/store', ['kysely']],
])(
  'require("%s") loads no driver, no X.509, keystore or JWT library and no TOML parser',
  (entry, early) => {
    const { packages, sqlite } = loadedBy(entry)
    expect(packages.filter((name) => late.includes(name))).toEqual(early)
    expect(sqlite).toBe(false)
  },
)

function loadedBy(entry: string): { packages: string[]; sqlite: boolean } {
  const code = `
    require('${entry}')
    const names = Object.keys(require.cache).map((file) => /.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(file)?.[1])
    console.log(JSON.stringify({
      packages: [...new Set(names.filter(Boolean))].sort(),
      sqlite: process.moduleLoadList.includes('NativeModule sqlite'),
    }))`
  return JSON.parse(execFileSync(process.execPath, ['-e', code], { cwd: root, encoding: 'utf8' }))
}
