/**
 * `plugins = ["package"]`, with real packages in a folder of their own and Node's own loader: what is
 * loaded, and (security.md 75) what never is.
 */
import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const root = resolve(__dirname, '../..')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packages-'))
  await mkdir(join(folder, 'node_modules'))
  await symlink(root, join(folder, 'node_modules/mtls-secret'))
})
afterAll(() => rm(folder, { recursive: true }))

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), content)
}

/** A package of one file. */
async function givenPackage(name: string, manifest: object, file: string, code: string) {
  await write(`node_modules/${name}/package.json`, JSON.stringify({ name, ...manifest }))
  await write(`node_modules/${name}/${file}`, code)
}

/** What becomes of each text as a `deployment.toml`: its chain, or the one line that refuses it. */
async function outcomes(texts: readonly string[]): Promise<string[]> {
  for (const [index, text] of texts.entries()) await write(`${index}.toml`, text)
  const code = `
    const { loadDeployment, createAuthorizationServer } = require('mtls-secret')
    const { memoryStore } = require('mtls-secret/store')
    async function outcome(file) {
      try {
        const deployment = await loadDeployment(file)
        const server = await createAuthorizationServer({ ...deployment, store: memoryStore() })
        await server.close()
        return String(server.handlers)
      } catch (error) { return error.message }
    }
    async function all() {
      const found = []
      for (let i = 0; i < ${texts.length}; i++) found.push(await outcome(i + '.toml'))
      console.log(JSON.stringify(found))
    }
    all()`
  const printed = execFileSync(process.execPath, ['-e', code], { cwd: folder, encoding: 'utf8' })
  return JSON.parse(printed)
}

const listener = (name: string, order = 700) =>
  `[[event_listener]]\nname = "${name}"\norder = ${order}\n`
const cjs = (...names: string[]) => `
  const { definePlugin } = require('mtls-secret/plugin')
  ${names.map((name) => `exports.${name} = definePlugin({ name: '${name}', order: 5, setup: () => ({ listener: {} }) })`).join('\n')}`
const esm = (...names: string[]) => `
  import { definePlugin } from 'mtls-secret/plugin'
  ${names.map((name) => `export const ${name} = definePlugin({ name: '${name}', setup: () => ({ listener: {} }) })`).join('\n')}`

test('loads CommonJS and ES modules, several plugins of each, off until listed', async () => {
  await givenPackage('acme-cjs', {}, 'index.js', cjs('one', 'two'))
  await givenPackage('acme-main', { main: 'lib/it.js' }, 'lib/it.js', cjs('three'))
  await givenPackage('acme-esm', { type: 'module' }, 'index.js', esm('four', 'five'))
  const importOnly = { type: 'module', exports: { '.': { import: './it.js' } } }
  await givenPackage('@acme/esm-only', importOnly, 'it.js', esm('six'))
  const sugar = { exports: { browser: './none.js', node: { import: './it.mjs' } } }
  await givenPackage('acme-sugar', sugar, 'it.mjs', esm('seven'))
  const both = { exports: { import: './it.mjs', require: './it.cjs' } }
  await givenPackage('acme-both', both, 'it.cjs', cjs('eight'))
  await write('node_modules/acme-both/it.mjs', esm('eight'))

  const packages = (...names: string[]) => `plugins = ${JSON.stringify(names)}\n`
  const defaults = '200 mtls-secret · 300 authorization_code'
  const found = await outcomes([
    packages('acme-cjs', 'acme-esm'),
    packages('acme-cjs') + listener('two'),
    packages('acme-main') + listener('three'),
    packages('acme-esm') + listener('four') + listener('five', 701),
    packages('@acme/esm-only') + listener('six'),
    packages('acme-sugar') + listener('seven'),
    packages('acme-both') + listener('eight'),
  ])
  for (const chain of found) expect(chain).toMatch(new RegExp(`^${defaults}`))
  expect(found.map((chain) => chain.split(' · ').filter((link) => /^7/.test(link)))).toEqual([
    [],
    ['700 two'],
    ['700 three'],
    ['700 four', '701 five'],
    ['700 six'],
    ['700 seven'],
    ['700 eight'],
  ])
})

test('refuses with the line what is not installed, not a plugin, broken or of another copy', async () => {
  await givenPackage('acme-none', {}, 'index.js', 'exports.name = "nothing"')
  await givenPackage('acme-broken', {}, 'index.js', 'throw new Error("out\\nof order")')
  await givenPackage('acme-wordy', {}, 'index.js', cjs('one').replace("'one'", "'One!'"))
  await givenPackage('acme-copy', {}, 'index.js', cjs('one'))
  const copy = join(folder, 'node_modules/acme-copy/node_modules/mtls-secret')
  await cp(join(root, 'dist'), join(copy, 'dist'), { recursive: true })
  await cp(join(root, 'package.json'), join(copy, 'package.json'))
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))

  const line2 = (name: string) => `\nplugins = ["${name}"]\n`
  expect(
    await outcomes(
      ['acme-absent', 'acme-none', 'acme-broken', 'acme-wordy', 'acme-copy'].map(line2),
    ),
  ).toEqual([
    `0.toml:2: The plugin package "acme-absent" is not installed. Run in ${folder}: npm install acme-absent`,
    '1.toml:2: The package "acme-none" exports no plugin. Export what definePlugin gives, by name.',
    '2.toml:2: The plugin package "acme-broken" cannot be loaded: out. Ask whoever wrote it, or install another version.',
    expect.stringMatching(
      /^3\.toml:2: The plugin package "acme-wordy" cannot be loaded: A plugin's name must be /,
    ),
    '4.toml:2: The plugin package "acme-copy" uses another copy of mtls-secret, whose verdicts mean nothing here. Install mtls-secret once: the package must name it in peerDependencies.',
  ])
})

test('refuses a name that is taken, and names both', async () => {
  await givenPackage('acme-cjs', {}, 'index.js', cjs('one', 'two'))
  await givenPackage('acme-other', {}, 'index.js', cjs('two'))
  await givenPackage(
    'acme-thief',
    {},
    'index.js',
    cjs('mtls_secret').replace("'mtls_secret'", "'mtls-secret'"),
  )
  const grant = `
    const { definePlugin } = require('mtls-secret/plugin')
    const grant = { grant_type: 'password', decide: () => ({ sub: 'x' }) }
    exports.it = definePlugin({ name: 'acme-password', setup: () => ({ grant }) })`
  await givenPackage('acme-grant', {}, 'index.js', grant)
  expect(
    await outcomes([
      'plugins = ["acme-cjs", "acme-other"]',
      'plugins = [\n"acme-thief"]',
      `plugins = ["acme-grant"]\n${listener('acme-password', 340)}`,
    ]),
  ).toEqual([
    '0.toml:1: Two plugins are named "two": of the package "acme-cjs" and of the package "acme-other". A plugin name stands once; rename or leave out one of them.',
    '1.toml:2: Two plugins are named "mtls-secret": of mtls-secret itself and of the package "acme-thief". A plugin name stands once; rename or leave out one of them.',
    expect.stringMatching(
      /:2: The grant_type "password" is offered by both "password" and "acme-password"\. Turn one of them off: enable = false\.$/,
    ),
  ])
})

test('loads nothing else by name (security.md 75)', async () => {
  const marker = join(folder, 'loaded')
  const mark = `require('node:fs').writeFileSync(${JSON.stringify(marker)}, '')`
  await write('evil.js', mark)
  await write('node_modules/__proto__/index.js', mark)
  await write('node_modules/acme-file/evil.js', mark)
  const names = [
    './evil.js',
    '../evil.js',
    'evil.js/..',
    join(folder, 'evil.js'),
    `file://${folder}/evil.js`,
    'data:text/javascript,',
    'https://evil.example/evil.js',
    'node:fs',
    'fs',
    'fs/promises',
    'node:module',
    'acme-file/evil.js',
    '..',
    '.',
    '',
    '#internal',
    '__proto__',
    'constructor',
    'toString',
    'Acme',
    'a'.repeat(300),
    'acme\\\\evil',
    'acme%2fevil',
  ]
  const texts = names.flatMap((name) => [
    `plugins = ["${name}"]`,
    `[[event_listener]]\nname = "${name}"\norder = 700`,
    `[[event_listener]]\nname = "mtls-secret"\ntype = "${name}"`,
  ])
  const found = await outcomes(texts)
  for (const [index, said] of found.entries()) {
    expect(said).toMatch(new RegExp(`^${index}\\.toml:[1-4]: [^\\n]+[.]?[^\\n]*$`))
    expect(said).not.toContain(' · ')
  }
  expect(await readdir(folder)).not.toContain('loaded')
})
