/** `npm start -- --config PATH`: another deployment, its own state made, its inputs never. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testCertificates } from '../support/certificates'
import { killAll, start } from '../support/process'
import { ask } from '../unit/service/request'

let folder: string
const file = (name: string) => join(folder, name)
const program = 'dist/sample-app/authorization-server.js'
const begin = (options: Parameters<typeof start>[1] = {}) =>
  start([program, '--config', file('deployment.toml')], options)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'))
  const { server, ca } = await testCertificates()
  await writeFile(file('server.pem'), server.pem)
  await writeFile(file('server.key'), server.key)
  await writeFile(file('trust.pem'), ca.pem)
})
afterEach(async () => {
  killAll()
  await rm(folder, { recursive: true })
})

const toml = (more = '') => `[server]
port = 0
[keystore.tls]
file_name = "server.pem"
key_file_name = "server.key"
[database]
url = "sqlite:state/clients.db"
[keystore.primary]
directory = "state/keys"
${more}`

it('makes the database and the first signing key, and no demo client', async () => {
  await writeFile(file('deployment.toml'), toml())
  const service = begin()
  const { url } = await service.next('server.listening')
  const jwks = await ask(`${url}/oauth2/jwks`)
  expect(jwks.body.keys).toHaveLength(1)
  expect((await ask(`${url}/health`)).body).toEqual({ status: 'ready' })
  service.signal('SIGTERM')
  expect((await service.ended).code).toBe(0)
  expect((await readdir(folder)).sort()).toEqual([
    'deployment.toml',
    'server.key',
    'server.pem',
    'state',
    'trust.pem',
  ])
  expect(service.events.map(({ event }) => event)).not.toContain('demo.ready')
})

it('says at the start that the key that signs is gone, and what to do', async () => {
  await writeFile(file('deployment.toml'), toml())
  const first = begin()
  await first.next('server.listening')
  first.signal('SIGTERM')
  await first.ended
  await rm(file('state/keys'), { recursive: true })
  const service = begin()
  const { url } = await service.next('server.listening')
  expect(await service.next('key.missing')).toMatchObject({
    level: 'error',
    directory: file('state/keys'),
    fix: expect.stringContaining('keys rotate'),
  })
  expect((await ask(`${url}/health`)).body).toMatchObject({ reasons: ['no_signing_key'] })
})

it('loads the tables of what there is not yet, and says that they are ignored', async () => {
  await writeFile(file('deployment.toml'), toml('[console]\n[metrics]\nport = 0'))
  const service = begin()
  const ignored = [await service.next('setting.ignored'), await service.next('setting.ignored')]
  expect(ignored.map(({ key }) => key)).toEqual(['console', 'metrics'])
  await service.next('server.listening')
})

it('does not ask for a new start while a variable names the database', async () => {
  const text = toml().replace(/url = .*/, 'url_env = "MTLS_SECRET_TEST"')
  await writeFile(file('deployment.toml'), text)
  const env = { ...process.env, MTLS_SECRET_TEST: 'sqlite:state/clients.db' }
  const service = begin({ env })
  await service.next('server.listening')
  service.signal('SIGHUP')
  expect(await service.next('reload.done')).not.toHaveProperty('need_restart')
})

it.each([
  [
    'a password that everybody knows',
    toml('[super_admin]\npassword_env = "MTLS_SECRET_TEST"').replace(
      'port = 0',
      'port = 0\nnode_ip = "0.0.0.0"',
    ),
    /:12: .*everybody knows/,
  ],
  [
    'no URL of a database',
    toml().replace(/url = .*/, 'url_env = "MTLS_SECRET_TEST"'),
    /:7: .*MTLS_SECRET_TEST/,
  ],
])('is refused for a variable that holds %s, before anything is made', async (_, text, said) => {
  await writeFile(file('deployment.toml'), text)
  const env = { ...process.env, MTLS_SECRET_TEST: 'admin' }
  const { code, stderr } = await begin({ env }).ended
  expect(code).toBe(1)
  expect(stderr).toMatch(/^\S+deployment\.toml:\d+: [^\n]+\n$/)
  expect(stderr).toMatch(said)
  expect(await readdir(folder)).not.toContain('state')
})

it('is refused without a name, as of a variable that is not set, and is no demo then', async () => {
  const { ended, events } = start([program, '--config', ''])
  const { code, stderr } = await ended
  expect(code).toBe(1)
  expect(stderr).toMatch(/There is no such file\. Create it, or name another with --config\./)
  expect(events).toEqual([])
})

it.each([
  ['an unknown key', 'prot = 1', /:10: .*prot/],
  ['a handler that there is none of', '[[event_listener]]\nname = "nobody"', /:11: .*nobody/],
  [
    'a truststore that is not there',
    '[truststore]\nfile_name = "none.pem"',
    /:11: \[truststore\] file_name: there is no file \S+none\.pem\. Make a CA: npx mtls-secret cert create/,
  ],
  ['a truststore that is none', '[truststore]\nfile_name = "server.key"', /:11: .*private key/],
  [
    'a CRL that is not there',
    '[truststore]\nfile_name = "trust.pem"\ncrl_file_names = ["none.crl"]',
    /:12: \[truststore\] crl_file_names: there is no file \S+none\.crl/,
  ],
  [
    'a password that is not there',
    '[super_admin]\npassword_env = "MTLS_SECRET_NO_SUCH"',
    /:11: .*MTLS_SECRET_NO_SUCH/,
  ],
])('is refused with one line, and nothing is made, for %s', async (_, more, said) => {
  await writeFile(file('deployment.toml'), toml(more))
  const before = await readdir(folder)
  const { ended, events } = begin()
  const { code, stderr } = await ended
  expect(code).toBe(1)
  expect(stderr).toMatch(/^\S+deployment\.toml:\d+: [^\n]+\n$/)
  expect(stderr).toMatch(said)
  expect(events).toEqual([])
  expect(await readdir(folder)).toEqual(before)
})

it('is refused for a missing certificate with the command that makes it', async () => {
  await writeFile(file('deployment.toml'), toml())
  await rm(file('server.pem'))
  const { code, stderr } = await begin().ended
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /:4: .*there is no file .*\. Make it: npx mtls-secret cert create --server/,
  )
  expect(await readdir(folder)).not.toContain('state')
})
