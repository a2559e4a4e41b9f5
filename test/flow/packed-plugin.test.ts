/**
 * The README's ten-line plugin, copied into an empty folder with the packed package beside it, as
 * CommonJS, as an ES module and in TypeScript: on by code, and by `deployment.toml`.
 */
import { execFile, execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const root = resolve(__dirname, '../..')
const run = promisify(execFile)
let folder: string
let snippet: string
const file = (...path: string[]) => join(folder, ...path)
const node = (...args: string[]) => run(process.execPath, args, { cwd: folder })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packed-'))
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const packed = execFileSync('npm', pack, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
  const [{ filename }] = JSON.parse(packed.toString())
  await mkdir(file('node_modules/mtls-secret'), { recursive: true })
  const into = ['-C', file('node_modules/mtls-secret'), '--strip-components=1']
  execFileSync('tar', ['-xzf', file(filename), ...into])
  // What npm would fetch, without a network.
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name !== 'mtls-secret') {
      await symlink(join(root, 'node_modules', name), file('node_modules', name))
    }
  }

  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const [, section = ''] = /\n## Write a plugin\n([\s\S]*?)\n## /.exec(readme) ?? []
  ;[, snippet = ''] = /```ts\n([\s\S]*?)```/.exec(section) ?? []
  expect(snippet).toContain('export const tenantClaim = definePlugin({')

  const cli = 'node_modules/mtls-secret/dist/lib/cli/main.js'
  await node(cli, 'cert', 'create', '--server', '--name', 'localhost', '--out', 'server')
  await node(cli, 'cert', 'create', '--name', 'billing', '--out', 'billing')
}, 60_000)
afterAll(() => rm(folder, { recursive: true }))

/** Gets a token from a server with the plugin on, and prints its claims. */
const program = (plugin: string) => `
import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:https'
import express from 'express'
import { createAuthorizationServer, loadDeployment, serverOptions, standardPlugins } from 'mtls-secret'
import { memoryStore } from 'mtls-secret/store'
import { tenantClaim } from '${plugin}'

async function main() {
  const byFile = process.argv[2] !== undefined
  const plugins = byFile
    ? (await loadDeployment(String(process.argv[2]))).plugins
    : [...standardPlugins, tenantClaim]
  const { event_listener } = byFile
    ? await loadDeployment(String(process.argv[2]))
    : { event_listener: [] }
  const server = await createAuthorizationServer({ store: memoryStore(), plugins, event_listener })
  const app = express().use(server.router)
  const pem = (name: string) => readFileSync(name, 'utf8')
  const tls = { key: pem('server.key'), cert: pem('server.pem') }
  const https = createServer({ ...tls, ...serverOptions(app, { trust: server.trust }) }, app)
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
  const address = https.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  server.listensAt('https://localhost:' + port)
  const { client, client_secret = '' } = await server.clients.create({
    client_name: 'billing', certificate: pem('billing.pem'),
  })
  const form = new URLSearchParams({
    grant_type: 'client_credentials', client_id: client.client_id, client_secret,
  }).toString()
  const text = await new Promise<string>((resolve, reject) => {
    const req = request({
      port, host: '127.0.0.1', servername: 'localhost', method: 'POST', path: '/oauth2/token',
      ca: pem('server.pem'), cert: pem('billing.pem'), key: pem('billing.key'), agent: false,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }, (res) => {
      let text = ''
      res.on('data', (chunk) => { text += chunk }).on('end', () => resolve(text))
    })
    req.on('error', reject).end(form)
  })
  const { access_token } = JSON.parse(text)
  console.log(Buffer.from(access_token.split('.')[1], 'base64url').toString())
  https.closeAllConnections()
  https.close()
  await server.close()
}
void main()
`

/** The same text as JavaScript, and as CommonJS. */
const withoutTypes = (code: string) => code.replaceAll(/<(void|string)>|: string(?=\))/g, '')
const commonJs = (code: string) =>
  withoutTypes(code)
    .replaceAll(/^import (\{.*\}|\w+) from ('.*')$/gm, 'const $1 = require($2)')
    .replaceAll(/^export const (\w+) =/gm, 'exports.$1 =')

async function claims(...args: string[]): Promise<unknown> {
  const { stdout, stderr } = await node(...args)
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

test('works as CommonJS', async () => {
  await writeFile(file('plugin.cjs'), commonJs(snippet))
  await writeFile(file('program.cjs'), commonJs(program('./plugin.cjs')))
  expect(await claims('program.cjs')).toMatchObject({ tenant: 'billing' })
})

test('works as an ES module', async () => {
  await writeFile(file('plugin.mjs'), snippet)
  await writeFile(file('program.mjs'), withoutTypes(program('./plugin.mjs')))
  expect(await claims('program.mjs')).toMatchObject({ tenant: 'billing' })
})

test.each(['commonjs', 'module'])(
  'compiles in strict TypeScript and works as %s',
  async (type) => {
    await mkdir(file(type), { recursive: true })
    await writeFile(file(type, 'package.json'), JSON.stringify({ type }))
    await writeFile(file(type, 'plugin.ts'), snippet)
    await writeFile(file(type, 'program.ts'), program('./plugin.js'))
    const strict = [
      '--strict',
      '--declaration',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--types',
      'node',
    ]
    // Our own declarations are checked too.
    const tsc = join(root, 'node_modules/.bin/tsc')
    await run(tsc, [...strict, join(type, 'program.ts')], { cwd: folder }).catch((error) => {
      throw new Error(error.stdout)
    })
    expect(await claims(join(type, 'program.js'))).toMatchObject({ tenant: 'billing' })
  },
  60_000,
)

test('works from a package that deployment.toml names', async () => {
  await mkdir(file('node_modules/tenant'), { recursive: true })
  const manifest = { name: 'tenant', type: 'module', exports: { import: './index.js' } }
  await writeFile(file('node_modules/tenant/package.json'), JSON.stringify(manifest))
  await writeFile(file('node_modules/tenant/index.js'), snippet)
  await writeFile(
    file('deployment.toml'),
    'plugins = ["tenant"]\n[[event_listener]]\nname = "tenant-claim"\norder = 905\n',
  )
  await writeFile(file('program.mjs'), withoutTypes(program('tenant')))
  expect(await claims('program.mjs', 'deployment.toml')).toMatchObject({ tenant: 'billing' })
})

test('is attacked by testPlugin, with node:test alone', async () => {
  const attack = `
    import { test } from 'node:test'
    import { testPlugin } from 'mtls-secret/plugin-testing'
    import { tenantClaim } from './plugin.mjs'
    testPlugin(tenantClaim, {}, test)`
  await writeFile(file('plugin.mjs'), snippet)
  await writeFile(file('attack.mjs'), attack)
  const { stdout } = await node('--test-reporter=tap', 'attack.mjs').catch((error) => error)
  expect(stdout).toMatch(/^# pass [3-9]\d$/m)
  expect(stdout).toMatch(/^# fail 0$/m)
}, 60_000)
