/** `npm start` as a newcomer does it: nothing prepared, one command, one curl to paste. */
import { execFile } from 'node:child_process'
import { readdir, stat, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import { parseCertificate } from '../../lib/certificate/parse'
import { testCertificate } from '../support/certificates'
import { type Installed, installed } from '../support/installed'
import { killAll, type Running } from '../support/process'
import { ask } from '../unit/service/request'

const run = promisify(execFile)

let home: Installed
beforeAll(async () => {
  home = await installed()
})
afterEach(killAll)
afterAll(() => home.remove())

/** The printed command, as a person's shell runs it. */
async function paste(service: Running) {
  const { curl } = await service.next('demo.ready')
  const { stdout } = await run('/bin/sh', ['-c', `${curl} -sS`], { cwd: tmpdir() })
  return JSON.parse(stdout)
}

async function stop(service: Running): Promise<void> {
  service.signal('SIGTERM')
  expect(await service.ended).toEqual({ code: 0, signal: null, stderr: '' })
}

const files = async () =>
  Promise.all((await readdir(home.file('certs'))).sort().map((name) => home.read('certs', name)))

describe('the first start', () => {
  it('makes what is missing, and its curl answers with a bound token', async () => {
    const service = home.start([], { cwd: tmpdir() })
    const { url } = await service.next('server.listening')
    const token = await paste(service)
    expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
    const claims = JSON.parse(Buffer.from(token.access_token.split('.')[1], 'base64url').toString())
    const [cert, key] = [await home.read('certs/client.pem'), await home.read('certs/client.key')]
    expect(claims.cnf['x5t#S256']).toBe(parseCertificate(cert, 'client.pem').thumbprint)
    expect(claims.iss).toBe(url)

    const nowhere = await ask(`${url}/no/such/path`, {})
    expect([nowhere.status, nowhere.body]).toEqual([404, { error: 'not_found' }])

    const headers = { authorization: `Bearer ${token.access_token}` }
    for (const path of ['/me', '/accounts']) {
      expect((await ask(`${url}${path}`, { cert, key, headers })).status).toBe(200)
      const stranger = testCertificate({ name: 'stranger' })
      for (const other of [{}, { cert: stranger.pem, key: stranger.key }]) {
        const { status, body } = await ask(`${url}${path}`, { ...other, headers })
        expect([status, body.error]).toEqual([401, 'invalid_token'])
      }
    }
    await stop(service)

    const form = new URLSearchParams(await home.read('certs/demo-client.form'))
    expect(JSON.stringify(service.events)).not.toContain(form.get('client_secret'))
  })

  it('leaves no secret for others to read', async () => {
    for (const name of ['ca.key', 'server.key', 'client.key', 'demo-client.form']) {
      expect((await stat(home.file('certs', name))).mode & 0o777).toBe(0o600)
    }
    expect((await stat(home.file('data'))).mode & 0o077).toBe(0)
    expect((await readdir(home.file('certs'))).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})

describe('every further start', () => {
  it('changes nothing', async () => {
    const before = await files()
    const service = home.start()
    await paste(service)
    await stop(service)
    expect(await files()).toEqual(before)
  })

  it('makes another client where that one was deleted', async () => {
    const form = new URLSearchParams(await home.read('certs/demo-client.form'))
    const config = ['--config', home.file('sample-app/deployment.toml')]
    await run(process.execPath, [
      home.file('dist/lib/cli/main.js'),
      ...config,
      'client',
      'delete',
      form.get('client_id') ?? '',
    ])
    const service = home.start()
    expect(await paste(service)).toMatchObject({ token_type: 'Bearer' })
    await stop(service)
  })

  it.each(['client', 'server'])(
    'makes another %s certificate where that one ended',
    async (name) => {
      const ca = { pem: await home.read('certs/ca.pem'), key: await home.read('certs/ca.key') }
      const issuer = { ...testCertificate({ name: 'x' }), ...ca }
      const ended = testCertificate({
        name: 'localhost',
        issuer,
        days: 3,
        server: name === 'server',
      })
      await home.write(`certs/${name}.pem`, ended.pem)
      await home.write(`certs/${name}.key`, ended.key)
      const service = home.start()
      expect(await paste(service)).toMatchObject({ token_type: 'Bearer' })
      await stop(service)
      expect(await home.read(`certs/${name}.pem`)).not.toBe(ended.pem)
    },
  )

  it('makes all anew with another CA where the old one’s key is gone', async () => {
    await unlink(home.file('certs/ca.key'))
    await unlink(home.file('certs/client.key'))
    const service = home.start()
    expect(await paste(service)).toMatchObject({ token_type: 'Bearer' })
    await stop(service)
  })

  it('keeps what somebody else made', async () => {
    const own = testCertificate({ name: 'localhost', server: true, days: 3 })
    await home.write('certs/server.pem', own.pem)
    await home.write('certs/server.key', own.key)
    const service = home.start()
    await service.next('demo.ready')
    await stop(service)
    expect(await home.read('certs/server.pem')).toBe(own.pem)
  })
})

describe('the flags', () => {
  it('--help lists them', async () => {
    const { stdout } = await run(process.execPath, [
      home.file('dist/sample-app/authorization-server.js'),
      '--help',
    ])
    expect(stdout).toMatch(/--config PATH[\s\S]*--help/)
  })

  it('an unknown one is a wrong usage', async () => {
    const { code, stderr } = await home.start(['--confgi', 'x']).ended
    expect(code).toBe(2)
    expect(stderr).toMatch(/--confgi[\s\S]*Usage:/)
  })
})
