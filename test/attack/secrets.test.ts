import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from '../../lib/store'
import { openWorld, type World } from '../support/world'

/** security.md, K 93-94 and L 97: odd input is refused or stored, and no secret stands anywhere it must not. */
let folder: string
let world: World
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtls-secret-'))
  world = await openWorld({
    store: sqliteStore(join(folder, 'data', 'clients.db')),
    keystore: {
      tls: { file_name: '', key_file_name: '' },
      primary: { directory: join(folder, 'keys'), algorithm: 'ES256', overlap: 7200 },
    },
    super_admin: { username: 'admin', password: 'canary-password-1', create_admin_account: true },
  })
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  world.events.length = 0
})

const admin = { grant_type: 'password', username: 'admin', password: 'canary-password-1' }

describe('odd input in any field is refused, never a 500 (case 93)', () => {
  const odd: Record<string, string> = {
    'SQL metacharacters': `'; DROP TABLE client; --" OR '1'='1`,
    'a lone surrogate': '%ED%A0%80',
    NUL: 'a%00b',
    '64 KiB': 'x'.repeat(65_536),
    'LIKE wildcards': '%25_%25',
    emoji: '%F0%9F%94%91',
    'a line of its own': 'x%0D%0A%0D%0AHTTP/1.1 200 OK',
  }
  const fields = [
    'client_id',
    'client_secret',
    'grant_type',
    'scope',
    'resource',
    'username',
    'password',
    'refresh_token',
  ]

  test.each(
    fields.flatMap((field) => Object.entries(odd).map(([what, value]) => [field, what, value])),
  )('%s with %s', async (field, _what, value) => {
    const good: Record<string, string> = {
      client_id: world.a.client_id,
      client_secret: world.a.client_secret,
      ...admin,
      ...(field === 'refresh_token' && { grant_type: 'refresh_token', refresh_token: 'x' }),
    }
    const form = Object.entries({ ...good, [field ?? '']: '' })
      .map(
        ([name, text]) =>
          `${name}=${name === field ? value?.replace(/[ ';"=-]/g, encodeURIComponent) : encodeURIComponent(text)}`,
      )
      .join('&')
    const answer = await world.post('/oauth2/token', form, { certificate: world.a.certificate })
    expect([400, 401, 413]).toContain(answer.status)
    expect(answer.json.error).toMatch(
      /^(invalid_(request|client|grant|scope|target)|unsupported_grant_type)$/,
    )
    expect(world.events.map(({ event }) => event)).not.toContain('request.failed')
    expect((await world.token(world.b)).status).toBe(200)
  })
})

describe('canaries', () => {
  test('no secret, password or token stands in the database or in an event (cases 94 and 97)', async () => {
    const { json } = await world.token(world.a, admin)
    const renewed = await world.token(world.a, {
      grant_type: 'refresh_token',
      refresh_token: json.refresh_token,
    })
    const canaries: Record<string, string> = {
      'the client secret': world.a.client_secret,
      'the other client’s secret': world.b.client_secret,
      'the password': 'canary-password-1',
      'a wrong password': 'canary-password-2',
      'a wrong secret': 'canary-secret-2',
      'an access token': json.access_token,
      'a refresh token': json.refresh_token,
      'the newest refresh token': renewed.json.refresh_token,
      'a made-up refresh token': 'canary-refresh-3',
      'a header': 'canary-header-4',
      'a certificate key': world.a.certificate.key.split('\n')[1] ?? '',
    }
    // Each way to fail, with secrets in every place where they may stand.
    const headers = { cookie: 'sid=canary-header-4', authorization: 'Basic canary-header-4' }
    await world.token(world.a, { ...admin, password: 'canary-password-2' })
    await world.token(world.a, { client_secret: 'canary-secret-2' })
    await world.token(world.a, { grant_type: 'refresh_token', refresh_token: 'canary-refresh-3' })
    await world.token(world.a, { grant_type: 'refresh_token', refresh_token: json.refresh_token })
    await world.token(world.b, admin, { certificate: world.a.certificate })
    await world.post('/oauth2/token', { grant_type: 'client_credentials' }, { headers })
    await world.post(`/oauth2/token?client_secret=canary-secret-2`, admin)
    await world.post('/oauth2/token', 'client_secret=canary-secret-2&client_secret=canary-secret-2')
    await world.get('/me', { headers: { authorization: `Bearer ${json.access_token}` } })
    await world.get('/me', { headers: { authorization: 'Bearer canary-header-4' } })
    const store = jest.spyOn(world.server.accounts, 'verify').mockImplementation(() => {
      throw new Error('the database is gone')
    })
    await world.token(world.a, admin)
    store.mockRestore()

    const events = JSON.stringify(world.events)
    expect(world.events.length).toBeGreaterThan(8)
    const files = await contentsOf(join(folder, 'data'))
    for (const [what, canary] of Object.entries(canaries)) {
      expect({
        what,
        inEvents: events.includes(canary),
        inDatabase: files.includes(canary),
      }).toEqual({
        what,
        inEvents: false,
        inDatabase: false,
      })
    }
    // The search itself works: what may stand there is found.
    expect(files.includes(world.a.client_id)).toBe(true)
    expect(events.includes(world.a.client_id)).toBe(true)
  })

  test('the database and the keys are for their owner alone (case 94)', async () => {
    for (const place of ['data', 'keys']) {
      expect((await stat(join(folder, place))).mode & 0o777).toBe(0o700)
      for (const name of await readdir(join(folder, place))) {
        expect([name, (await stat(join(folder, place, name))).mode & 0o777]).toEqual([name, 0o600])
      }
    }
  })
})

async function contentsOf(place: string): Promise<string> {
  const names = await readdir(place)
  const files = await Promise.all(names.map((name) => readFile(join(place, name), 'latin1')))
  return files.join('\n')
}
