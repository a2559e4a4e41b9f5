import { postgresSettings, withoutPassword } from '../../../lib/store/postgres-settings'

const environment = { ...process.env }
afterEach(() => {
  process.env = { ...environment }
})

test.each([
  'postgres://db.example/mtls',
  'postgres://user:pw@10.0.0.7:5433/mtls',
  'postgres://127.example.com/mtls',
  'postgres://localhost.example/mtls',
  'postgresql://[2001:db8::1]/mtls',
  'postgres:///mtls?host=db.example',
])('%s: asks for a certificate and holds it against the name', (url) => {
  expect(postgresSettings(url).ssl).toMatchObject({ rejectUnauthorized: true })
})

test('holds the certificate of an address against that address', () => {
  expect(postgresSettings('postgres://10.0.0.7/mtls').ssl).toMatchObject({ host: '10.0.0.7' })
})

test.each([
  'postgres://localhost/mtls',
  'postgres://127.0.0.1:5433/mtls',
  'postgres://[::1]/mtls',
  'postgres:///mtls?host=/var/run/postgresql',
  'postgres://%2Fvar%2Frun%2Fpostgresql/mtls',
  'postgres:///mtls',
])('%s: is this machine, and needs no encryption', (url) => {
  expect(postgresSettings(url).ssl).toBeUndefined()
})

test('an empty host is the one of PGHOST', () => {
  process.env.PGHOST = 'db.example'
  expect(postgresSettings('postgres:///mtls').ssl).toMatchObject({ rejectUnauthorized: true })
})

test('leaves to the URL and to PGSSLMODE what they say of encryption', () => {
  expect(postgresSettings('postgres://db.example/mtls?sslmode=disable').ssl).toBeUndefined()
  process.env.PGSSLMODE = 'require'
  expect(postgresSettings('postgres://db.example/mtls').ssl).toBeUndefined()
})

test('gives everything an end: connecting, a statement, an answer', () => {
  expect(postgresSettings('postgres://localhost/mtls')).toMatchObject({
    connectionTimeoutMillis: 2000,
    statement_timeout: 2000,
    query_timeout: 2000,
  })
})

test('names a database without its user and password', () => {
  expect(withoutPassword('postgres://u:canary@db.example:5433/mtls?password=canary')).toBe(
    'postgres://db.example:5433/mtls',
  )
})

test('tells nothing of a URL that it cannot read', () => {
  expect(() => postgresSettings('postgres://u:canary@[bad/mtls')).toThrow(/cannot be read/)
  expect(() => postgresSettings('postgres://u:canary@[bad/mtls')).not.toThrow(/canary/)
})
