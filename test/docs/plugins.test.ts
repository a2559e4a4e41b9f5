/** docs/plugins.md shows the plugins that the tests run, code that compiles and settings that load. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { parseSettings } from '../../lib/config/load-settings'
import { contributionKeys, eventNames } from '../../lib/plugin/contribution'

const root = resolve(__dirname, '../..')
const run = promisify(execFile)
let page: string
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text = '']) => text,
  )

beforeAll(async () => {
  page = await readFile(join(root, 'docs/plugins.md'), 'utf8')
})

test.each(['acme-hmac', 'acme-ticket', 'acme-webhook'])(
  '%s is the one that is tested',
  async (name) => {
    const tested = await readFile(join(root, 'test/plugins', `${name}.ts`), 'utf8')
    expect(blocks('ts')).toContain(tested.replace("'../../lib/plugin'", "'mtls-secret/plugin'"))
  },
)

test('every TypeScript block compiles, strictly, against the built package', async () => {
  // Within the package, so that its own name finds its own build.
  const place = join(root, 'dist/plugins-page')
  await rm(place, { recursive: true, force: true })
  await mkdir(place, { recursive: true })
  for (const [index, code] of blocks('ts').entries()) {
    const [, name = `block-${index}`] = /name: '(acme-\w+)'/.exec(code) ?? []
    await writeFile(join(place, `${name}.ts`), code)
  }
  const tsconfig = {
    extends: '../../tsconfig.json',
    compilerOptions: { types: ['node'] },
    include: ['*.ts'],
    exclude: [],
  }
  await writeFile(join(place, 'tsconfig.json'), JSON.stringify(tsconfig))
  const { stdout } = await run('npx', ['tsc', '-p', place], { cwd: root }).catch((error) => error)
  await rm(place, { recursive: true })
  expect(stdout).toBe('')
}, 60_000)

test('the settings are read', () => {
  const [toml = ''] = blocks('toml')
  expect(parseSettings(toml, 'deployment.toml')).toMatchObject({
    plugins: ['acme-oauth'],
    event_listener: [{ name: 'acme-hmac', order: 240 }],
  })
})

test('every part and every event is named', () => {
  for (const name of [...contributionKeys, ...eventNames]) expect(page).toContain(`\`${name}\``)
})
