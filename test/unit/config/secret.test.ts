import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveDatabaseUrl, resolveSecret } from '../../../lib/config/secret'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtls-secret-'))
})
afterAll(() => rm(folder, { recursive: true }))
afterEach(() => {
  delete process.env.MTLS_SECRET_TEST
})

test('a password stands in the file itself, and may be empty', async () => {
  expect(await resolveSecret({ password: '' }, ['truststore'])).toBe('')
})

test('no source is no password', async () => {
  expect(await resolveSecret({}, ['truststore'])).toBeUndefined()
})

test.each([
  ['changeit\n', 'changeit'],
  ['changeit\r\n', 'changeit'],
  ['two\n\n', 'two\n'],
  [' spaces ', ' spaces '],
])(
  'of a password file, %j, one newline at the end does not belong to it',
  async (text, password) => {
    const password_file = join(folder, 'password')
    await writeFile(password_file, text)
    expect(await resolveSecret({ password_file }, ['truststore'])).toBe(password)
  },
)

test('a password may stand in the environment', async () => {
  process.env.MTLS_SECRET_TEST = 'changeit'
  expect(await resolveSecret({ password_env: 'MTLS_SECRET_TEST' }, ['truststore'])).toBe('changeit')
})

test('a missing password file is named, with the key that names it', async () => {
  const password_file = join(folder, 'absent')
  await expect(resolveSecret({ password_file }, ['truststore'])).rejects.toMatchObject({
    name: 'SetupError',
    problem: `The password file ${password_file} cannot be read.`,
    place: { key: ['truststore', 'password_file'] },
  })
})

test.each([undefined, ''])('a variable that is %j is named', async (value) => {
  if (value !== undefined) process.env.MTLS_SECRET_TEST = value
  await expect(
    resolveSecret({ password_env: 'MTLS_SECRET_TEST' }, ['keystore', 'tls']),
  ).rejects.toMatchObject({
    message:
      'The environment variable MTLS_SECRET_TEST is not set. Set MTLS_SECRET_TEST before the start.',
    place: { key: ['keystore', 'tls', 'password_env'] },
  })
})

test('a database URL from the environment is relative to the file, too', () => {
  process.env.MTLS_SECRET_TEST = 'sqlite:data/x.db'
  const database = { url_env: 'MTLS_SECRET_TEST', synchronous: 'FULL' } as const
  expect(resolveDatabaseUrl(database, '/srv/app')).toBe('sqlite:/srv/app/data/x.db')
})

test.each(['sqlite::memory:', 'postgres://u@h/d'])('%s has no path to resolve', (url) => {
  process.env.MTLS_SECRET_TEST = url
  const database = { url_env: 'MTLS_SECRET_TEST', synchronous: 'FULL' } as const
  expect(resolveDatabaseUrl(database, '/srv/app')).toBe(url)
})

test.each(['mysql://u:hidden@h/d', 'hidden', 'sqlite:'])(
  'a variable that holds %j is no database, and is not repeated',
  (url) => {
    process.env.MTLS_SECRET_TEST = url
    const database = { url_env: 'MTLS_SECRET_TEST', synchronous: 'FULL' } as const
    expect(() => resolveDatabaseUrl(database, '/srv/app')).toThrow(
      'The environment variable MTLS_SECRET_TEST is no URL of a database. Set it to sqlite:FILE or postgres://USER@HOST/DATABASE.',
    )
  },
)
