import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { promisify } from 'node:util'
import { parseSettings } from '../../../lib/config/load-settings'
import { checkInputs } from '../../../lib/service/check-inputs'
import { readServerCertificate } from '../../../lib/service/server-certificate'
import { openssl, testCertificate, testCertificates } from '../../support/certificates'

let folder: string
const write = (name: string, content: string) => writeFile(join(folder, name), content)
const settings = (toml: string) => parseSettings(toml, join(folder, 'deployment.toml'))
const read = (toml: string) => readServerCertificate(settings(`[keystore.tls]\n${toml}`))

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificate-'))
  const { server } = await testCertificates()
  await write('server.pem', server.pem)
  await write('server.key', server.key)
})
afterEach(() => rm(folder, { recursive: true }))

const files = 'file_name = "server.pem"\nkey_file_name = "server.key"\n'

it('reads PEM, with the intermediates behind the server’s own', async () => {
  const { server, intermediate } = await testCertificates()
  await write('server.pem', server.pem + intermediate.pem)
  const { cert, key } = await read(files)
  expect(cert.match(/BEGIN/g)).toHaveLength(2)
  createSecureContext({ cert, key })
})

it('reads an encrypted key with its password, and not without', async () => {
  const encrypt = 'pkcs8 -topk8 -v2 aes256 -passout pass:opensesame -in server.key -out secret.key'
  await openssl(encrypt.split(' '), folder)
  const encrypted = 'file_name = "server.pem"\nkey_file_name = "secret.key"\n'
  expect((await read(`${encrypted}password = "opensesame"`)).key).toContain('BEGIN PRIVATE KEY')
  await expect(read(`${encrypted}password = "other"`)).rejects.toThrow(/can’t be read/)
  await expect(read(encrypted)).rejects.toThrow(/deployment\.toml:2: .*can’t be read/)
})

it.each(['pkcs12', 'jks'])('reads a keystore that keytool made: %s', async (type) => {
  const make = `-genkeypair -alias server -keyalg RSA -keysize 2048 -dname CN=localhost -validity 30 -storetype ${type} -keystore server.store -storepass changeit -keypass changeit`
  await promisify(execFile)('keytool', make.split(' '), { cwd: folder })
  const { cert, key, notAfter } = await read('file_name = "server.store"\npassword = "changeit"')
  createSecureContext({ cert, key })
  expect(notAfter).toBeGreaterThan(Date.now() + 29 * 86_400_000)
  await expect(read('file_name = "server.store"\npassword = "wrong1"')).rejects.toThrow(/password/)
})

it('reads a certificate in DER beside its key', async () => {
  await openssl('x509 -in server.pem -outform der -out server.der'.split(' '), folder)
  const { cert, key } = await read('file_name = "server.der"\nkey_file_name = "server.key"\n')
  createSecureContext({ cert, key })
})

it.each(['', 'no PEM'])(
  'says of a file with %j in it that it is no certificate',
  async (content) => {
    await write('server.pem', content)
    await expect(read(files)).rejects.toThrow(
      /server\.pem (holds no certificate|is not a clean PEM)/,
    )
  },
)

it.each([
  ['nothing is there', 'one.pem', 'one.key'],
  ['the key of a certificate is not there', 'server.pem', 'one.key'],
  ['the key of a pair is not there', 'server.pem', 'server.key'],
  ['the certificate of a pair is not there', 'other.crt', 'server.key'],
  ['a keystore is not there', 'one.p12', undefined],
])('says how what is missing is made, and that makes it, where %s', async (_, pem, key) => {
  if (pem === 'server.pem' && key === 'server.key') await rm(join(folder, key))
  let toml = `file_name = "${pem}"\n${key === undefined ? '' : `key_file_name = "${key}"\n`}`
  const said = String(await read(toml).catch((cause: Error) => cause))
  for (const [, name = '', value] of said.matchAll(/Write (\w+) = (".+?")\./g)) {
    toml = `${toml.replace(new RegExp(`^${name} = .*\n`, 'm'), '')}${name} = ${value}\n`
  }
  for (const file of (/Move (.*?) away:/.exec(said)?.[1] ?? '').split(' and ')) {
    if (file !== '') await rm(file)
  }
  const [, command = ''] = /npx mtls-secret (.*)$/.exec(said) ?? []
  const bin = resolve('dist/lib/cli/main.js')
  await promisify(execFile)(process.execPath, [bin, ...command.split(' ')], { cwd: folder })
  const made = await read(toml)
  createSecureContext({ cert: made.cert, key: made.key })
})

it('says first to create a folder that is not there', async () => {
  await expect(read('file_name = "certs/server.pem"\n')).rejects.toThrow(
    /there is no file \S+\. Create the folder \S+certs\. Make it: npx mtls-secret cert create/,
  )
})

it('names the file of a key that does not fit, above all where nobody wrote it', async () => {
  const { key } = testCertificate({ name: 'other' })
  await mkdir(join(folder, 'certs'))
  await write('certs/server.key', key)
  await expect(read('file_name = "server.pem"')).rejects.toThrow(
    /does not belong to .* The key was read from \S+certs\/server\.key\./,
  )
})

it('refuses a key that OpenSSL would not serve with', async () => {
  const make = 'req -x509 -newkey rsa:768 -nodes -subj /CN=x -keyout server.key -out server.pem'
  await openssl(make.split(' '), folder)
  await expect(read(files)).rejects.toThrow(
    /deployment\.toml:2: .*server\.pem can't be served with/,
  )
})

describe('what a start needs', () => {
  const all = `[keystore.tls]\n${files}[truststore]\nfile_name = "trust.pem"\n`

  it('is enough with a certificate alone', async () => {
    await checkInputs(settings(`[keystore.tls]\n${files}`))
  })

  it.each([
    [
      'trust.pem',
      '',
      /:5: \[truststore\] file_name: there is no file \S+trust\.pem\. Make a CA: npx mtls-secret cert create --ca/,
    ],
    [
      'ca.crl',
      'crl_file_names = ["ca.crl"]',
      /:6: \[truststore\] crl_file_names: there is no file \S+ca\.crl\. /,
    ],
  ])('names the key, the path and the command for a missing %s', async (missing, more, said) => {
    const { ca } = await testCertificates()
    if (missing !== 'trust.pem') await write('trust.pem', ca.pem)
    await expect(checkInputs(settings(all + more))).rejects.toThrow(said)
  })

  it('names the line of a truststore that is no good', async () => {
    await write('trust.pem', testCertificate({ name: 'x' }).key)
    await expect(checkInputs(settings(all))).rejects.toThrow(/deployment\.toml:5: .*private key/)
  })
})
