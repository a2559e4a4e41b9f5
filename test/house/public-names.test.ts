/**
 * What a user can import is a promise: these names, from these places, by `require` and by `import`
 * alike. Looked at from outside, in the built package.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './sources'

const promised: Record<string, string[]> = {
  '.': [
    'MtlsSecretStrategy',
    'OAuthError',
    'SetupError',
    'createAuthorizationServer',
    'fromProxyHeader',
    'loadDeployment',
    'openTrust',
    'remoteKeys',
    'requireToken',
    'serve',
    'serverOptions',
    'standardPlugins',
  ],
  './plugin': ['accepted', 'definePlugin', 'rejected'],
  './store': ['memoryStore', 'openStore', 'postgresStore', 'sqliteStore'],
  './plugin-testing': ['testPlugin'],
}

const manifest: { exports: Record<string, unknown> } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
)
const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json')

test('the package has these entry points and no others', () => {
  expect(entries).toEqual(expect.arrayContaining(['.', './plugin', './store']))
  expect(Object.keys(promised)).toEqual(expect.arrayContaining(entries))
})

describe.each(entries)('mtls-secret %s', (entry) => {
  const name = join('mtls-secret', entry)

  test('gives exactly its names to require', () => {
    expect(run(`console.log(JSON.stringify(Object.keys(require('${name}'))))`)).toEqual(
      promised[entry],
    )
  })

  test('gives exactly its names to import', () => {
    const code = `import * as it from '${name}'; console.log(JSON.stringify(Object.keys(it).filter((key) => key !== '__esModule')))`
    expect(run(code, '--input-type=module')).toEqual(promised[entry])
  })

  test('is one module, however it is loaded: an error of one is an error of the other', () => {
    const code = `
      import { createRequire } from 'node:module'
      import * as imported from '${name}'
      const required = createRequire(process.cwd() + '/')('${name}')
      console.log(JSON.stringify(Object.keys(required).filter((key) => required[key] !== imported[key])))`
    expect(run(code, '--input-type=module')).toEqual([])
  })
})

/** In a process of its own: jest's own modules are not what a user gets. */
function run(code: string, ...options: string[]): string[] {
  const printed = execFileSync(process.execPath, [...options, '-e', code], {
    cwd: root,
    encoding: 'utf8',
  })
  return (JSON.parse(printed) as string[]).sort()
}
