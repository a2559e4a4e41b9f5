import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { wso2Document } from '../../../../lib/config/wso2/document'
import { importKeys } from '../../../../lib/config/wso2/import-keys'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'mtls-secret-'))
  await mkdir(join(home, 'repository/resources/security'), { recursive: true })
  await writeFile(join(home, 'repository/resources/security/trust.jks'), '')
  await writeFile(join(home, 'own.p12'), '')
})
afterAll(() => rm(home, { recursive: true }))

function imported(tables: Record<string, unknown>) {
  const { settings, report } = importKeys(wso2Document(tables, join(home, 'repository/conf')))
  return { settings, told: Object.fromEntries(report.map((row) => [row.key, row.outcome])) }
}

test('the port is the usual one, or the one written, with the offset', () => {
  expect(imported({ server: { offset: '3' } }).settings).toEqual({ server: { port: 9446 } })
  const both = { server: { offset: 1 }, transport: { https: { properties: { port: '8443' } } } }
  expect(imported(both).settings).toEqual({ server: { port: 8444 } })
})

test('an offset that makes no port is left out', () => {
  expect(imported({ server: { offset: 'many' } })).toEqual({
    settings: {},
    told: { 'server.offset': 'left out' },
  })
})

test("a proxy's port stands in the issuer", () => {
  const proxyPort = (port: unknown) => ({
    server: { hostname: 'localhost' },
    transport: { https: { properties: { proxyPort: port } } },
  })
  expect(imported(proxyPort(443)).settings).toMatchObject({
    server: { issuer: 'https://localhost' },
  })
  expect(imported(proxyPort('8243')).settings).toMatchObject({
    server: { issuer: 'https://localhost:8243' },
  })
  expect(imported(proxyPort('x')).told['transport.https.properties.proxyPort']).toBe('left out')
})

test.each([
  ['TLSv1.3', 'TLSv1.3', 'used'],
  ['+TLSv1.3', 'TLSv1.3', 'used'],
  ['TLSv1.2+TLSv1.3', 'TLSv1.2', 'changed'],
  ['TLSv1, TLSv1.1, TLSv1.2', 'TLSv1.2', 'changed'],
])('of the protocols %s, the lowest that is safe is %s', (protocols, lowest, outcome) => {
  const { settings, told } = imported({
    transport: { https: { sslHostConfig: { properties: { protocols } } } },
  })
  expect(settings).toEqual({ server: { min_tls_version: lowest } })
  expect(Object.values(told)).toEqual([outcome])
})

test.each([
  ['trust.jks', 'repository/resources/security/trust.jks'],
  ['repository/resources/security/trust.jks', 'repository/resources/security/trust.jks'],
  [`\${carbon.home}/own.p12`, 'own.p12'],
  ['absent.jks', 'repository/resources/security/absent.jks'],
])('WSO2 finds %s at %s below its home', (file_name, path) => {
  expect(imported({ truststore: { file_name } }).settings).toEqual({
    truststore: { file_name: join(home, path) },
  })
})

test('a key that refers to another has its value', () => {
  const { settings } = imported({
    server: { hostname: 'localhost', base_path: 'https://$ref{server.hostname}/' },
  })
  expect(settings).toMatchObject({ server: { issuer: 'https://localhost' } })
})

test('a value that stands elsewhere is left out, but for passwords', () => {
  expect(imported({ server: { hostname: '$env{HOST}' } }).told).toEqual({
    'server.hostname': 'left out',
  })
  expect(imported({ super_admin: { username: '$sys{admin}' } }).settings).toEqual({})
  expect(imported({ truststore: { file_name: `\${user.home}/a.jks` } }).settings).toEqual({})
  expect(imported({ truststore: { password: '$env{PASS}' } }).settings).toEqual({
    truststore: { password_env: 'PASS' },
  })
  expect(imported({ truststore: { password: '$secret{trust.store-pass}' } }).settings).toEqual({
    truststore: { password_env: 'TRUST_STORE_PASS' },
  })
})

test.each([-1, '-1', 0, '9223372036854775807', 'never'])(
  'a token that lives %j is not issued',
  (value) => {
    const { settings } = imported({
      oauth: { token_validation: { user_access_token_validity: value } },
    })
    expect(settings).toEqual({})
  },
)

test("the primary keystore's certificate is shown only where no other is named", () => {
  const primary = { file_name: 'trust.jks', password: 'a', key_password: 'b' }
  expect(imported({ keystore: { primary } }).settings).toMatchObject({
    keystore: { tls: { password: 'a' } },
  })
  const tls = { file_name: 'trust.jks', password: 'c' }
  expect(imported({ keystore: { primary, tls } }).settings).toMatchObject({
    keystore: { tls: { password: 'c' } },
  })
})

test('a password that everybody knows becomes a variable where others reach the server', () => {
  const password = (server: object) =>
    imported({ server, super_admin: { password: 'admin' } }).settings.super_admin
  expect(password({})).toEqual({ password: 'admin' })
  for (const server of [{ hostname: 'id.example' }, { node_ip: '0.0.0.0' }]) {
    expect(password(server)).toMatchObject({ password_env: 'MTLS_SECRET_ADMIN_PASSWORD' })
    expect(password(server)).not.toHaveProperty('password')
  }
})

test('without an administrator written, WSO2 has the one that everybody knows', () => {
  expect(imported({ server: { hostname: 'id.example' } }).settings).toMatchObject({
    super_admin: { password_env: 'MTLS_SECRET_ADMIN_PASSWORD' },
  })
})

test('each key of the file is told once, however deep', () => {
  let deep: Record<string, unknown> = { end: 1 }
  for (let depth = 0; depth < 50_000; depth++) deep = { a: deep }
  const { told } = imported({ deep, list: [{ a: 1 }, { a: 2 }], empty: [], time: new Date(0) })
  expect(Object.keys(told)).toEqual([
    'deep.a.a.a.a.a.a.a.a',
    'list.0.a',
    'list.1.a',
    'empty',
    'time',
  ])
  expect(new Set(Object.values(told))).toEqual(new Set(['left out']))
})
