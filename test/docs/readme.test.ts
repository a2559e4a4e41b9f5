/** The README is true: its programs compile and run, its settings load, its lines are what is printed. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { loadDeployment } from '../../lib'
import { openClients } from '../../lib/client/clients'
import { composeChain } from '../../lib/plugin/chain'
import { describeLink } from '../../lib/plugin/registry'
import { openStore } from '../../lib/store'
import { testCertificate } from '../support/certificates'
import { exchange } from '../support/world'

const run = promisify(execFile)

let readme: string
let folder: string
const children: ChildProcess[] = []
beforeAll(async () => {
  readme = await readFile('README.md', 'utf8')
  folder = await mkdtemp(join(tmpdir(), 'readme-'))
  await mkdir(join(folder, 'node_modules'))
  await mkdir(join(folder, 'certs'))
  await symlink(resolve('.'), join(folder, 'node_modules/mtls-secret'))
  for (const name of ['express', 'passport']) {
    await symlink(resolve('node_modules', name), join(folder, 'node_modules', name))
  }
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, code = '']) => code,
  )
const block = (language: string, part: string): string => {
  const found = blocks(language).filter((code) => code.includes(part))
  if (found.length === 1 && found[0] !== undefined) return found[0]
  throw new Error(`${found.length} blocks with ${part}`)
}

test('every TypeScript block compiles, strictly, against the built package', async () => {
  // Within the package, so that its own name finds its own build.
  const place = resolve('dist/readme')
  await rm(place, { recursive: true, force: true })
  await mkdir(place, { recursive: true })
  const surroundings = `
    import type { Express } from 'express'
    import type { AuthorizationServer } from 'mtls-secret'
    declare global {
      function findApp(id: string): Promise<{ matches(secret: string, thumbprint: string): boolean } | undefined>
      const api: Express
      const server: AuthorizationServer
    }`
  await writeFile(join(place, 'surroundings.d.mts'), surroundings)
  for (const [index, code] of blocks('ts').entries()) {
    await writeFile(join(place, `block-${index}.mts`), `${code}\nexport {}\n`)
  }
  await writeFile(
    join(place, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions: { types: ['node'] },
      include: ['*.mts'],
      exclude: [],
    }),
  )
  const { stdout } = await run('npx', ['tsc', '-p', place]).catch((error) => error)
  await rm(place, { recursive: true })
  expect(stdout).toBe('')
  expect(blocks('ts').length).toBeGreaterThan(3)
}, 60_000)

/** Runs a program of the README in a folder of its own; the port that it got. */
async function start(code: string): Promise<number> {
  const listening = code.replace(
    /\.listen\(\d+\)/,
    '.listen(0, function () { console.log(this.address().port) })',
  )
  expect(listening).not.toBe(code)
  const file = join(folder, `program-${children.length}.mjs`)
  await writeFile(file, listening)
  const child = spawn(process.execPath, [file], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let stderr = ''
  child.stderr.on('data', (data) => {
    stderr += data
  })
  const first = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => [])])
  if (first[0] === undefined) throw new Error(stderr)
  return Number(first[0])
}

const form = { 'content-type': 'application/x-www-form-urlencoded' }

test('the first program is a token endpoint: certificate and secret together, nothing less', async () => {
  const server = testCertificate({ name: 'localhost', server: true })
  await writeFile(join(folder, 'certs/server.pem'), server.pem)
  await writeFile(join(folder, 'certs/server.key'), server.key)
  const port = await start(block('ts', 'sqliteStore'))

  const [a, b] = [testCertificate({ name: 'a' }), testCertificate({ name: 'b' })]
  const store = await openStore(`sqlite:${join(folder, 'data/clients.db')}`)
  const clients = openClients(store, Date)
  const made = await clients.create({ client_name: 'a', certificate: a.pem })
  await clients.close()
  await store.close()
  const { client_id } = made.client
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id,
    client_secret: made.client_secret ?? '',
  }).toString()
  const statusFor = async (identity?: { pem: string; key: string }) => {
    const certificate = identity && { cert: identity.pem, key: identity.key }
    const by = { certificate, headers: form, ca: server.pem }
    return (await exchange(port, 'POST', '/oauth2/token', Buffer.from(body), by)).status
  }
  expect([await statusFor(a), await statusFor(b), await statusFor()]).toEqual([200, 401, 401])
}, 60_000)

test('the second program asks the app’s own registry', async () => {
  const server = testCertificate({ name: 'localhost', server: true })
  await writeFile(join(folder, 'certs/server.pem'), server.pem)
  await writeFile(join(folder, 'certs/server.key'), server.key)
  const a = testCertificate({ name: 'a' })
  const code = `
    import { readFileSync } from 'node:fs'
    import { createServer } from 'node:https'
    import { openTrust, serverOptions } from 'mtls-secret'
    const findApp = async (id) => id === 'billing' && { name: id,
      matches: (secret, thumbprint) => secret === 'right' && thumbprint === ${JSON.stringify(a.thumbprint)} }
    ${block('ts', 'new MtlsSecretStrategy(async')}
    const trust = await openTrust()
    const tls = { key: readFileSync('certs/server.key'), cert: readFileSync('certs/server.pem') }
    createServer({ ...tls, ...serverOptions(app, { trust }) }, app).listen(9443)`
  const port = await start(code)
  const ask = (client_secret: string, certificate?: { cert: string; key: string }) =>
    exchange(
      port,
      'POST',
      '/jobs',
      Buffer.from(`client_id=billing&client_secret=${client_secret}`),
      {
        certificate,
        headers: form,
        ca: server.pem,
      },
    )
  const own = { cert: a.pem, key: a.key }
  const right = await ask('right', own)
  expect([right.status, right.json]).toEqual([200, { name: 'billing' }])
  expect((await ask('wrong', own)).status).toBe(401)
  expect((await ask('right')).status).toBe(401)
}, 60_000)

test('the settings load, and give the chain that is printed below them', async () => {
  const toml = block('toml', 'mutual_ssl')
  await writeFile(join(folder, 'deployment.toml'), toml)
  const { plugins, event_listener } = await loadDeployment(join(folder, 'deployment.toml'))
  const chain = composeChain(plugins, event_listener).map(describeLink).join(' · ')
  expect(readme).toContain(`\n${chain}\n`)
})

test('the error that is quoted is what a misspelt property gives', async () => {
  const toml = block('toml', 'mutual_ssl')
  const file = join(folder, 'misspelt.toml')
  await writeFile(file, toml.replace('MandateMutualSSL', 'MandateMutualSSl'))
  const error = await loadDeployment(file).catch((cause: Error) => cause)
  const [, quoted = ''] = /`deployment\.toml:(7: [^`]*)`/s.exec(readme) ?? []
  expect(String(error).replace(/\s+/g, ' ')).toContain(`:${quoted.replace(/\s+/g, ' ')}`)
})

test('all its settings together are one deployment that loads', async () => {
  // Tables of one file, in the order of the page; what would make the default password unsafe is set.
  const all = `[super_admin]\npassword_env = "ADMIN_PASSWORD"\n\n${blocks('toml').join('\n')}`
  await writeFile(join(folder, 'all.toml'), all)
  await expect(loadDeployment(join(folder, 'all.toml'))).resolves.toMatchObject({
    proxy: { format: 'nginx' },
  })
})

test('every file that it links to is there', async () => {
  for (const [, path = ''] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
    await expect(run('test', ['-e', path])).resolves.toBeTruthy()
  }
})
