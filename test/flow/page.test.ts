/**
 * The page that this package re-creates, followed to its end: its openssl commands, its configuration
 * block, its client id and secret, its curl with the line break in it.
 */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { testCertificate } from '../support/certificates'
import { type Installed, installed } from '../support/installed'
import { killAll, type Running } from '../support/process'

const run = promisify(execFile)

const page = `[[event_listener]]
id = "mutual_ssl"
type = "org.wso2.carbon.identity.core.handler.AbstractIdentityHandler"
name = "org.wso2.carbon.identity.oauth2.token.handler.clientauth.tlswithidsecret.MutualTLSWithIdSecretAuthenticator"
order = 200
[event_listener.properties]
"MandateMutualSSL" = true
`
const client_id = '2fjjjsCfTlLqptsj_goJcplgTyka'
const client_secret = 'dSw8sxIFG83N8gmLDqz5HPwrKT4a'

let home: Installed
let service: Running
let url: string
const cli = (...args: string[]) =>
  run(process.execPath, [home.file('dist/lib/cli/main.js'), ...args], { cwd: home.file('page') })

beforeAll(async () => {
  home = await installed()
  const server = testCertificate({ name: 'localhost', server: true })
  await home.write('page/certs/server.pem', server.pem)
  await home.write('page/certs/server.key', server.key)
  await home.write('page/deployment.toml', `[server]\nport = 0\n\n${page}`)
  await home.write('page/secret.txt', client_secret)
  await run(resolve('certs/seed.sh'), [home.file('page')])
  const other = testCertificate({ name: 'somebody else' })
  await home.write('page/other.pem', other.pem)
  await home.write('page/other.key', other.key)

  await cli(
    ...['client', 'create', '--name', 'page', '--grant', 'password', '--cert', 'cert.pem'],
    ...['--client-id', client_id, '--secret-file', 'secret.txt'],
  )
  await cli('client', 'create', '--name', 'other', '--cert', 'other.pem', '--out', 'other.json')
  service = home.start(['--config', home.file('page/deployment.toml')])
  url = String((await service.next('server.listening')).url)
}, 60_000)
afterAll(async () => {
  killAll()
  await home.remove()
})

/** The page's request as printed, with its line break, by a real shell and a real curl. */
async function curl(
  certificate = '--cert cert.pem --key key.pem --pass changeit',
  secret = client_secret,
): Promise<{ status: number; body: string }> {
  const command = `curl -k -s -d "grant_type=password&username=admin&password=admin&client_id=${client_id}
&client_secret=${secret}" -H "Content-Type: application/x-www-form-urlencoded" -i ${certificate} ${url}/oauth2/token`
  const { stdout } = await run('/bin/sh', ['-c', command], { cwd: home.file('page') })
  const [head = '', body = ''] = stdout.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), body }
}

test('the page’s block alone is a whole configuration', async () => {
  await writeFile(home.file('page/block.toml'), page)
  const { stdout } = await cli('--config', 'block.toml', 'config', 'check')
  expect(stdout).toMatch(/200 mutual_ssl \(mtls-secret\)/)
})

test('answers the page’s curl with exactly the page’s four fields', async () => {
  const { status, body } = await curl()
  expect(status).toBe(200)
  const answer = JSON.parse(body)
  expect(Object.keys(answer)).toEqual(['access_token', 'refresh_token', 'token_type', 'expires_in'])
  expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
  const claims = JSON.parse(Buffer.from(answer.access_token.split('.')[1], 'base64url').toString())
  const shown = JSON.parse((await cli('client', 'show', client_id)).stdout)
  expect(claims.cnf['x5t#S256']).toBe(shown.certificates[0].thumbprint)
})

test('answers no certificate, another client’s and a wrong secret alike, for three reasons', async () => {
  const answers = [
    await curl(''),
    await curl('--cert other.pem --key other.key'),
    await curl(undefined, 'wrong'),
  ]
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401])
  expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
  const reasons = []
  for (const _ of answers) reasons.push((await service.next('client.rejected')).reason)
  expect(reasons).toEqual(['no_certificate_presented', 'certificate_untrusted', 'secret_mismatch'])
})

test('hides what the page left lying about: no secret in any line', async () => {
  expect(JSON.stringify(service.events)).not.toContain(client_secret)
  expect(await readFile(home.file('page/other.json'), 'utf8')).toContain('client_secret')
})
