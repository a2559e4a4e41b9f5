import { testCertificates } from '../../support/certificates'
import { killAll } from '../../support/process'
import { ask, keepAlive } from './request'
import { listener, type Tiny, tinyFolder, tinyToml } from './tiny'

let tiny: Tiny
beforeEach(async () => {
  tiny = await tinyFolder('workers = 2')
})
afterEach(async () => {
  killAll()
  await tiny.remove()
})

async function listening() {
  const service = tiny.start()
  const { url } = await service.next('server.listening')
  return { ...service, service, url: String(url) }
}

/** Asks until each of `count` workers has answered. */
async function workersAt(url: string, count = 2) {
  const answers = new Map<unknown, Record<string, unknown>>()
  while (answers.size < count) {
    const { body } = await ask(`${url}/who`)
    answers.set(body.pid, body)
  }
  return [...answers.values()]
}

describe('workers', () => {
  it('share one free port, and say once, when all are ready, where they listen', async () => {
    const { url, service, events } = await listening()
    const workers = await workersAt(url)
    expect(workers.map(({ pid }) => pid)).not.toContain(service.pid)
    expect(workers.map(({ issuer }) => issuer)).toEqual([url, url])
    expect(events.filter(({ event }) => event === 'server.listening')).toHaveLength(1)
    expect(events.filter(({ event }) => event === 'started')).toHaveLength(2)
  })

  it('fail to start as one, with one line', async () => {
    const { url } = await listening()
    const { port } = new URL(url)
    await tiny.write(
      'deployment.toml',
      tinyToml('workers = 2').replace('port = 0', `port = ${port}`),
    )
    const { ended, events } = tiny.start()
    const { code, stderr } = await ended
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^\S+deployment\.toml:2: \[server\] 127\.0\.0\.1:\d+ is taken by another/,
    )
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(events).toEqual([])
  })

  it('are replaced within two seconds of their death, on the same port', async () => {
    const began = Date.now()
    const { url, next } = await listening()
    // On a machine so busy that a start takes longer, no worker can be faster.
    const limit = Math.max(2000, 2 * (Date.now() - began))
    const before = await workersAt(url)
    for (const { pid } of before) {
      const start = Date.now()
      process.kill(Number(pid), 'SIGKILL')
      expect(await next('worker.ended')).toMatchObject({ pid, signal: 'SIGKILL' })
      await next('worker.replaced')
      expect(Date.now() - start).toBeLessThan(limit)
    }
    const after = await workersAt(url)
    expect(before.map(({ pid }) => pid)).not.toEqual(
      expect.arrayContaining([after[0]?.pid, after[1]?.pid]),
    )
  })

  it('are tried again, more and more slowly, when they cannot start', async () => {
    const { url, next, events } = await listening()
    const [first] = await workersAt(url)
    await tiny.write('server.key', 'garbage')
    process.kill(Number(first?.pid), 'SIGKILL')
    await next('worker.ended')
    await next('worker.ended')
    await next('worker.ended')
    const { server } = await testCertificates()
    await tiny.write('server.key', server.key)
    await next('worker.replaced')
    await workersAt(url)
    const times = events
      .filter(({ event }) => event === 'worker.ended')
      .map(({ time }) => Date.parse(time))
    expect(times.length).toBeLessThan(8)
  })

  it('let go of one that fails, after it answered', async () => {
    const { url, service, next } = await listening()
    expect((await ask(`${url}/crash`, { method: 'POST' })).status).toBe(200)
    await next('process.failed')
    expect(await next('worker.ended')).toMatchObject({ code: 1 })
    await next('worker.replaced')
    service.signal('SIGTERM')
    expect((await service.ended).code).toBe(0)
  })
})

describe('SIGHUP', () => {
  it('is answered once every worker has it', async () => {
    const { url, service, next, events } = await listening()
    const { ca, otherCa } = await testCertificates()
    await tiny.write('truststore.pem', ca.pem + otherCa.pem)
    await tiny.write('deployment.toml', tinyToml('workers = 2', listener('a')))
    service.signal('SIGHUP')
    await next('reload.done')
    for (const { entries } of await workersAt(url)) expect(entries).toBe(2)
    expect(events.filter(({ event }) => event === 'reload.done')).toHaveLength(1)
    expect(events.filter(({ event }) => event === 'chain.unserved')).toMatchObject([{ clients: 1 }])
  })

  it('is refused once: every worker keeps the old state, and says so', async () => {
    const { url, service, next, events } = await listening()
    await tiny.write('truststore.pem', 'garbage')
    service.signal('SIGHUP')
    await next('reload.refused')
    for (const { entries } of await workersAt(url)) expect(entries).toBe(1)
    for (let n = 0; n < 4; n++) {
      expect((await ask(`${url}/health`)).body.reasons).toEqual(['reload_refused'])
    }
    expect(events.filter(({ event }) => event === 'reload.refused')).toHaveLength(1)
  })

  it('replaces a worker that does not follow', async () => {
    const { url, service, next } = await listening()
    const [stuck] = await workersAt(url)
    const { ca, otherCa } = await testCertificates()
    process.kill(Number(stuck?.pid), 'SIGSTOP')
    await tiny.write('truststore.pem', ca.pem + otherCa.pem)
    service.signal('SIGHUP')
    expect(await next('worker.lagging')).toMatchObject({ pid: stuck?.pid })
    await next('reload.done')
    for (const { pid, entries } of await workersAt(url)) {
      expect(pid).not.toBe(stuck?.pid)
      expect(entries).toBe(2)
    }
  })

  it('to a worker alone changes nothing', async () => {
    const { url, next } = await listening()
    const [one] = await workersAt(url)
    process.kill(Number(one?.pid), 'SIGHUP')
    expect((await workersAt(url)).map(({ pid }) => pid)).toContain(one?.pid)
    // The file is noticed by the primary process.
    const { ca, otherCa } = await testCertificates()
    await tiny.write('truststore.pem', ca.pem + otherCa.pem)
    await next('reload.done')
    for (const { entries } of await workersAt(url)) expect(entries).toBe(2)
  })
})

describe('SIGTERM', () => {
  it('lets every worker answer what it was asked, then ends with 0', async () => {
    const { url, service, next } = await listening()
    const agents = [keepAlive(), keepAlive(), keepAlive()]
    const slow = agents.map((agent) => ask(`${url}/slow/700`, { agent }))
    for (const _ of slow) await next('slow')
    service.signal('SIGTERM')
    for (const { status, headers } of await Promise.all(slow)) {
      expect(status).toBe(200)
      expect(headers.connection).toBe('close')
    }
    expect(await service.ended).toEqual({ code: 0, signal: null, stderr: '' })
    expect(service.events.filter(({ event }) => event === 'closed')).toHaveLength(3)
  })

  it('leaves no worker behind, whatever hangs', async () => {
    const { url, service, next } = await listening()
    const workers = await workersAt(url)
    void ask(`${url}/slow/60000`).catch(() => undefined)
    await next('slow')
    process.kill(Number(workers[0]?.pid), 'SIGSTOP')
    const start = Date.now()
    service.signal('SIGTERM')
    expect((await service.ended).code).toBe(0)
    expect(Date.now() - start).toBeLessThan(5000)
    for (const { pid } of workers) expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH')
  })
})

describe('SIGKILL', () => {
  it('of the primary process ends its workers too', async () => {
    const { url, service } = await listening()
    await workersAt(url)
    service.signal('SIGKILL')
    // The end is heard when nobody holds standard output any more.
    expect((await service.ended).signal).toBe('SIGKILL')
    await expect(ask(`${url}/who`)).rejects.toThrow()
  })
})

describe('limits', () => {
  it('hold for all workers together', async () => {
    await tiny.write('deployment.toml', tinyToml('workers = 2', '[server.limits]\nconnections = 2'))
    const { url, next } = await listening()
    const slow = [ask(`${url}/slow/1500`), ask(`${url}/slow/1500`)]
    await next('slow')
    await next('slow')
    const start = Date.now()
    await expect(ask(`${url}/who`)).rejects.toThrow()
    expect(Date.now() - start).toBeLessThan(1000)
    for (const { status } of await Promise.all(slow)) expect(status).toBe(200)
  })
})
