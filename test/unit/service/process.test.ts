import { rm } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { testCertificate, testCertificates } from '../../support/certificates'
import { killAll } from '../../support/process'
import { ask, collect, keepAlive, secure } from './request'
import { listener, type Tiny, tinyFolder, tinyToml } from './tiny'

let tiny: Tiny
beforeEach(async () => {
  tiny = await tinyFolder()
})
afterEach(async () => {
  killAll()
  await tiny.remove()
})

const ready = { status: 'ready', reasons: [] }

async function listening(service = tiny.start()) {
  const { url } = await service.next('server.listening')
  return { ...service, service, url: String(url) }
}

/** Until no new connection is taken. */
async function refusal(url: string): Promise<void> {
  for (;;) {
    try {
      await ask(`${url}/who`)
    } catch {
      return
    }
  }
}

describe('the start', () => {
  it('says once where it listens, in JSON, when it answers', async () => {
    const { url, events, service } = await listening()
    expect(url).toMatch(/^https:\/\/localhost:\d+$/)
    expect((await ask(`${url}/health`)).body).toEqual(ready)
    expect((await ask(`${url}/who`)).body.issuer).toBe(url)
    service.signal('SIGTERM')
    await service.ended
    expect(events.filter(({ event }) => event === 'server.listening')).toHaveLength(1)
    for (const { time, level } of events) {
      expect(new Date(time).toISOString()).toBe(time)
      expect(level).toMatch(/^(info|warn|error)$/)
    }
  })

  it.each([
    [
      'a certificate that is not there',
      'server.pem',
      undefined,
      /deployment\.toml:5: \[keystore\.tls\] file_name: there is no file .*server\.pem\. Move .*server\.key away: .* Make it: npx mtls-secret cert create --server --name localhost --out .*\/server$/,
    ],
    [
      'a key that is not there',
      'server.key',
      undefined,
      /deployment\.toml:6: \[keystore\.tls\] key_file_name: there is no file .*server\.key\. Move .*server\.pem away: .* Make it: npx mtls-secret cert create/,
    ],
    [
      'a key that is none',
      'server.key',
      'garbage',
      /deployment\.toml:5: The private key of .*server\.pem can’t be read\. /,
    ],
    [
      'a certificate cut short',
      'server.pem',
      '-----BEGIN CERTIFICATE-----\nMIIB\n',
      /deployment\.toml:5: .*server\.pem is not a clean PEM file/,
    ],
  ])('is refused with one line for %s', async (_, name, content, line) => {
    if (content === undefined) await rm(tiny.file(name))
    else await tiny.write(name, content)
    const { ended, events } = tiny.start()
    const { code, stderr } = await ended
    expect(code).toBe(1)
    expect(stderr.trimEnd()).toMatch(line)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(events).toEqual([])
  })

  it('is refused for another certificate’s key', async () => {
    await tiny.write('server.key', (await testCertificates()).clientA.key)
    const { code, stderr } = await tiny.start().ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/^\S+:5: The private key does not belong to the first certificate of /)
  })

  it('is refused for a port that is taken', async () => {
    const { url } = await listening()
    const { port } = new URL(url)
    await tiny.write('deployment.toml', tinyToml('').replace('port = 0', `port = ${port}`))
    const { code, stderr } = await tiny.start().ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/^\S+:2: \[server\] 127\.0\.0\.1:\d+ is taken by another program\./)
  })
})

describe('SIGTERM and SIGINT', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s answers what was asked, then ends with 0',
    async (signal) => {
      const { url, service, next } = await listening()
      const agent = keepAlive()
      await ask(`${url}/who`, { agent })
      const other = keepAlive()
      const slow = ask(`${url}/slow/500`, { agent: other })
      await next('slow')
      const start = Date.now()
      service.signal(signal)
      const { status, headers } = await slow
      expect(status).toBe(200)
      expect(headers.connection).toBe('close')
      expect(await service.ended).toEqual({ code: 0, signal: null, stderr: '' })
      expect(Date.now() - start).toBeLessThan(3000)
      expect(service.events.at(-1)?.event).toBe('closed')
      agent.destroy()
    },
  )

  it('takes no new connection and tells that it is draining', async () => {
    const { url, service, next } = await listening()
    const agent = keepAlive()
    void ask(`${url}/slow/1500`).catch(() => undefined)
    await next('slow')
    // A connection that has asked nothing yet may still ask once.
    const socket = await secure(url)
    service.signal('SIGTERM')
    await refusal(url)
    const answer = collect(socket)
    socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await answer).toMatch(
      /connection: close[\s\S]*{"status":"unavailable","reasons":\["draining"\]}/i,
    )
    expect((await service.ended).code).toBe(0)
    agent.destroy()
  })

  it.each([
    ['an answer', 'admin'],
    ['the server itself', 'hang'],
  ])('ends within five seconds whatever hangs: %s', async (_, username) => {
    await tiny.write('deployment.toml', tinyToml('', `[super_admin]\nusername = "${username}"`))
    const { url, service, next } = await listening()
    const slow = ask(`${url}/slow/${username === 'hang' ? 1 : 60_000}`).catch(String)
    await next('slow')
    const start = Date.now()
    service.signal('SIGTERM')
    expect((await service.ended).code).toBe(0)
    expect(Date.now() - start).toBeLessThan(5000)
    await slow
  })

  it('ends at once when it is said twice', async () => {
    const { url, service, next } = await listening()
    void ask(`${url}/slow/60000`).catch(() => undefined)
    await next('slow')
    const start = Date.now()
    service.signal('SIGTERM')
    await refusal(url)
    service.signal('SIGTERM')
    expect((await service.ended).code).toBe(143)
    expect(Date.now() - start).toBeLessThan(1500)
  })
})

describe('the end of file descriptors', () => {
  it('stops no answer and no process, and passes', async () => {
    const { url, service } = await listening(tiny.start({ shell: 'ulimit -n 120' }))
    const agent = keepAlive()
    expect((await ask(`${url}/who`, { agent })).status).toBe(200)
    const { port } = new URL(url)
    const crowd = Array.from({ length: 200 }, () => connectTcp(Number(port), '127.0.0.1'))
    for (const socket of crowd) socket.on('error', () => undefined)
    await Promise.all(crowd.map((socket) => new Promise((done) => socket.once('connect', done))))
    expect((await ask(`${url}/who`, { agent })).status).toBe(200)
    for (const socket of crowd) socket.destroy()
    while (!(await ask(`${url}/who`).catch(() => undefined)));
    service.signal('SIGTERM')
    expect(await service.ended).toEqual({ code: 0, signal: null, stderr: '' })
    agent.destroy()
  })
})

describe('a fault that nobody caught', () => {
  it.each(['/crash', '/reject'])(
    'is told, what was asked is answered, the end is 1: %s',
    async (path) => {
      const { url, service, next } = await listening()
      const slow = ask(`${url}/slow/300`)
      await next('slow')
      await ask(`${url}${path}`, { method: 'POST' })
      expect((await slow).status).toBe(200)
      const { code, stderr } = await service.ended
      expect(code).toBe(1)
      expect(stderr).toBe('')
      expect(await next('process.failed')).toMatchObject({
        level: 'error',
        problem: expect.stringMatching(/injected\nfault|nobody waits/),
      })
    },
  )
})

describe('SIGHUP', () => {
  it('reads everything again and answers reload.done', async () => {
    const { url, service, next } = await listening()
    const { ca, otherCa } = await testCertificates()
    await tiny.write('truststore.pem', ca.pem + otherCa.pem)
    service.signal('SIGHUP')
    await next('reload.done')
    expect((await ask(`${url}/who`)).body.entries).toBe(2)
    expect((await ask(`${url}/health`)).body).toEqual(ready)
  })

  it('counts the clients that are left without a handler', async () => {
    const { service, next } = await listening()
    await tiny.write('deployment.toml', tinyToml('', listener('a') + listener('b')))
    service.signal('SIGHUP')
    await next('reload.done')
    expect(await next('chain.unserved')).toMatchObject({ level: 'warn', clients: 2 })
  })

  it('tells which changes need a new start', async () => {
    const { service, next } = await listening()
    const tables =
      '[database]\nurl = "sqlite:other.db"\n[super_admin]\nusername = "root"\n[oauth.dcr]\nenable = true'
    await tiny.write('deployment.toml', tinyToml('workers = 2', tables))
    service.signal('SIGHUP')
    expect(await next('reload.done')).toMatchObject({
      need_restart: ['workers', 'database', 'super_admin'],
    })
  })

  it('brings changed limits into force', async () => {
    const { url, service, next } = await listening()
    const limits = '[server.limits]\nrequests_per_connection = 1'
    await tiny.write('deployment.toml', tinyToml('', limits))
    service.signal('SIGHUP')
    await next('reload.done')
    const agent = keepAlive()
    expect((await ask(`${url}/who`, { agent })).headers.connection).toBe('close')
  })

  it.each([
    ['deployment.toml', '[server]\nprot = 9443\n', /deployment\.toml:2: .*prot/],
    ['truststore.pem', '-----BEGIN CERTIFICATE-----\nMII', /truststore\.pem/],
    ['server.pem', '', /server\.pem/],
  ])(
    'is refused for a broken %s: the old state serves, health says so',
    async (name, broken, said) => {
      const { url, service, next } = await listening()
      const before = await ask(`${url}/who`)
      await tiny.write(name, broken)
      service.signal('SIGHUP')
      expect(await next('reload.refused')).toMatchObject({
        level: 'error',
        problem: expect.stringMatching(said),
      })
      expect((await ask(`${url}/who`)).body).toEqual(before.body)
      expect((await ask(`${url}/health`)).body).toEqual({
        status: 'degraded',
        reasons: ['reload_refused'],
      })
    },
  )

  it('serves a renewed server certificate', async () => {
    const { url, service, next } = await listening()
    const { clientA } = await testCertificates()
    await tiny.write('server.pem', clientA.pem)
    await tiny.write('server.key', clientA.key)
    service.signal('SIGHUP')
    await next('reload.done')
    const socket = await secure(url)
    expect(socket.getPeerX509Certificate()?.subject).toBe('CN=client-a')
    socket.destroy()
  })
})

describe('a file that is written', () => {
  it('is read without being asked, and once it is whole', async () => {
    const { url, next, events } = await listening()
    const { ca, otherCa } = await testCertificates()
    await tiny.write('truststore.pem', 'half')
    await next('reload.refused')
    await tiny.write('truststore.pem', ca.pem + otherCa.pem)
    await next('reload.done')
    expect((await ask(`${url}/who`)).body.entries).toBe(2)
    expect((await ask(`${url}/health`)).body).toEqual(ready)
    expect(events.filter(({ event }) => event === 'reload.done')).toHaveLength(1)
  })
})

describe('health', () => {
  it('is degraded when the server’s certificate is about to end, and the log tells', async () => {
    const short = testCertificate({ name: 'localhost', server: true, days: 10 })
    await tiny.write('server.pem', short.pem)
    await tiny.write('server.key', short.key)
    const { url, service, next } = await listening()
    const body = { status: 'degraded', reasons: ['server_certificate_expiring'] }
    expect((await ask(`${url}/health`)).body).toEqual(body)
    expect(await next('health.changed')).toMatchObject({ level: 'warn', ...body })
    const long = testCertificate({ name: 'localhost', server: true })
    await tiny.write('server.pem', long.pem)
    await tiny.write('server.key', long.key)
    service.signal('SIGHUP')
    expect(await next('health.changed')).toMatchObject({ level: 'info', status: 'ready' })
  })
})
