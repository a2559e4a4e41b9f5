import { IncomingMessage, ServerResponse } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { resolve } from 'node:path'
import type { SecureVersion } from 'node:tls'
import express, { type Express, type Request, type Response } from 'express'
import { openTrust, type Trust } from '../../../lib/certificate/trust'
import { parseSettings } from '../../../lib/config/load-settings'
import type { Facts } from '../../../lib/plugin'
import { type Listeners, openListeners } from '../../../lib/service/listeners'
import { testCertificates } from '../../support/certificates'
import { ask, collect, keepAlive, raw, secure } from './request'

let app: Express
let trust: Trust
let listeners: Listeners
let events: (Facts & { event: string })[]

async function open(toml = '', before: (app: Express) => void = () => undefined): Promise<void> {
  const { server } = await testCertificates()
  app = express()
  before(app)
  app.all('/', (req, res) => {
    req.resume().on('end', () => res.json({ headers: req.rawHeaders.length / 2 }))
  })
  app.get('/slow', (_req, res) => {
    setTimeout(() => res.json({ done: true }), 300)
  })
  trust = await openTrust()
  events = []
  const note = (event: string, facts: Facts = {}) => void events.push({ event, ...facts })
  listeners = await openListeners(app, {
    settings: parseSettings(`[server]\nport = 0\n${toml}`, resolve('deployment.toml')),
    certificate: { cert: server.pem, key: server.key, notAfter: Number.POSITIVE_INFINITY },
    trust,
    log: { info: note, warn: note, error: note },
  })
}

/** Looks at what Express's own entry is given, which is where it would change prototypes. */
function beforeExpress(look: (req: Request, res: Response) => void): void {
  const { handle } = app as unknown as { handle(req: Request, res: Response): void }
  Object.assign(app, {
    handle(req: Request, res: Response) {
      look(req, res)
      handle.call(app, req, res)
    },
  })
}

afterEach(async () => {
  await listeners?.drain(1000)
})

const get = 'GET / HTTP/1.1\r\nHost: localhost\r\n'
const versions = ['TLSv1.2', 'TLSv1.3'] as const
const close = 'Connection: close\r\n\r\n'

describe('requests and responses', () => {
  it('have the app’s own prototypes before Express sees them', async () => {
    const seen: boolean[] = []
    await open()
    beforeExpress((req, res) => {
      seen.push(Object.getPrototypeOf(req) === app.request)
      seen.push(Object.getPrototypeOf(res) === app.response)
      seen.push(req instanceof IncomingMessage, res instanceof ServerResponse)
      seen.push(req.app === app, res.app === app)
    })
    const { status, headers } = await ask(listeners.url)
    expect(status).toBe(200)
    expect(seen).toEqual([true, true, true, true, true, true])
    expect(headers).not.toHaveProperty('x-powered-by')
    expect(headers).not.toHaveProperty('etag')
  })

  it('keep them when a second listener serves the same app', async () => {
    const { clientA } = await testCertificates()
    await open('[server.mtls]\nport = 0')
    const seen: boolean[] = []
    beforeExpress((req, res) => {
      seen.push(Object.getPrototypeOf(req) === app.request)
      seen.push(Object.getPrototypeOf(res) === app.response)
    })
    await ask(listeners.url)
    await ask(listeners.mtlsUrl ?? '', { cert: clientA.pem, key: clientA.key })
    expect(seen).toEqual([true, true, true, true])
  })
})

describe('bytes that are no request', () => {
  beforeEach(() => open())

  it.each([
    [
      'Content-Length beside Transfer-Encoding',
      `${get}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    ],
    ['two lengths', `${get}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    ['a folded header', `${get}X: a\r\n b\r\n\r\n`],
    ['a bare line feed', 'GET / HTTP/1.1\nHost: localhost\n\n'],
    ['a space before the colon', `${get}X : a\r\n\r\n`],
    ['a NUL', `${get}X: a\0b\r\n\r\n`],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n'],
  ])('are answered 400 and the connection is closed: %s', async (_, bytes) => {
    expect(await raw(listeners.url, bytes)).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('are told to the operator once, without a word of theirs', async () => {
    const answer = await raw(listeners.url, `${get}secret : canary\r\n\r\n`)
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toEqual({
      error: 'invalid_request',
      error_description: expect.any(String),
    })
    expect(answer).toMatch(/cache-control: no-store/)
    expect(events).toEqual([
      {
        event: 'request.refused',
        error: 'invalid_request',
        reason: 'malformed_http',
        ip: '127.0.0.1',
        request_id: expect.any(String),
      },
    ])
    expect(JSON.stringify(events)).not.toContain('canary')
  })

  it('end the connection without an answer while another request is being answered', async () => {
    const answer = await raw(listeners.url, [
      `GET /slow HTTP/1.1\r\nHost: x\r\n\r\n`,
      'garbage\r\n\r\n',
    ])
    expect(answer).toBe('')
  })

  it('do no harm as a broken TLS handshake, a plain request or silence', async () => {
    const port = Number(new URL(listeners.url).port)
    for (const bytes of [
      'GET / HTTP/1.1\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01',
      '\0'.repeat(500),
      '',
    ]) {
      const socket = connectTcp(port, '127.0.0.1')
      socket.end(bytes)
      await new Promise((done) => socket.on('error', done).on('close', done).resume())
    }
    expect((await ask(listeners.url)).status).toBe(200)
  })
})

describe('limits', () => {
  it('answers 431 above a hundred header lines, and sees every one below', async () => {
    await open()
    const lines = (count: number) => Array.from({ length: count }, () => 'x: y\r\n').join('')
    expect(await raw(listeners.url, `${get}${lines(98)}${close}`)).toContain('{"headers":100}')
    const refused = await raw(listeners.url, `${get}${lines(100)}\r\n`)
    expect(refused).toMatch(/^HTTP\/1\.1 431 /)
    expect(refused).toMatch(/connection: close/i)
    expect(events).toMatchObject([{ event: 'request.refused', reason: 'headers_too_large' }])
  })

  it('answers 431 above 16 KiB of headers', async () => {
    await open()
    expect(await raw(listeners.url, `${get}x: ${'y'.repeat(16_384)}\r\n${close}`)).toMatch(
      /^HTTP\/1\.1 431 /,
    )
    expect(events).toMatchObject([{ event: 'request.refused', reason: 'headers_too_large' }])
  })

  it('refuses connections above the limit at once, serves the open ones, and recovers', async () => {
    await open('[server.limits]\nconnections = 2')
    const agent = keepAlive()
    const first = await secure(listeners.url)
    expect((await ask(listeners.url, { agent })).status).toBe(200)
    await expect(ask(listeners.url)).rejects.toThrow()
    expect((await ask(listeners.url, { agent })).status).toBe(200)
    first.destroy()
    const trying = async (): Promise<number> => {
      try {
        return (await ask(listeners.url)).status
      } catch {
        return trying()
      }
    }
    expect(await trying()).toBe(200)
    agent.destroy()
  })

  it('says Connection: close with the last request that a connection may have', async () => {
    await open('[server.limits]\nrequests_per_connection = 2')
    const agent = keepAlive()
    expect((await ask(listeners.url, { agent })).headers.connection).toBe('keep-alive')
    expect((await ask(listeners.url, { agent })).headers.connection).toBe('close')
    agent.destroy()
  })

  it('closes an idle connection after the keep-alive timeout', async () => {
    await open('[server.limits]\nkeep_alive_timeout = 0.2')
    const start = Date.now()
    await raw(listeners.url, `${get}\r\n`)
    expect(Date.now() - start).toBeLessThan(3000)
  })

  it('tells a client how long a connection stays, and keeps it while it asks', async () => {
    await open('[server.limits]\nkeep_alive_timeout = 2')
    const agent = keepAlive()
    const ports = new Set()
    beforeExpress((req) => ports.add(req.socket.remotePort))
    // Together longer than an idle connection would stay.
    for (let request = 0; request < 6; request++) {
      const { headers } = await ask(listeners.url, { agent })
      expect(headers['keep-alive']).toMatch(/^timeout=2\b/)
      await new Promise((resolve) => setTimeout(resolve, 700))
    }
    expect(ports.size).toBe(1)
    agent.destroy()
  })

  it('closes a connection that expects what it can not have', async () => {
    await open()
    expect(await raw(listeners.url, `${get}Expect: y\r\n\r\n`)).toMatch(/^HTTP\/1\.1 417 /)
  })

  it('answers 408 and closes when headers or body take too long', async () => {
    await open('[server.limits]\nrequest_timeout = 0.4')
    const start = Date.now()
    const slow = await Promise.all([
      raw(listeners.url, get),
      raw(listeners.url, `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab`),
      raw(listeners.url, ''),
    ])
    expect(slow[0]).toMatch(/^HTTP\/1\.1 408 /)
    expect(Date.now() - start).toBeLessThan(3000)
    expect(events.map(({ reason }) => reason)).toContain('request_timeout')
  })
})

describe('TLS', () => {
  const connectTwice = async (version: SecureVersion, between: () => unknown = () => undefined) => {
    const options = { minVersion: version, maxVersion: version }
    const first = await secure(listeners.url, options)
    // With TLS 1.3 the ticket comes after the handshake.
    const after = new Promise<Buffer>((done) => first.on('session', done))
    first.write(`${get}\r\n`)
    const session = version === 'TLSv1.3' ? await after : first.getSession()
    await between()
    const second = await secure(listeners.url, { ...options, session })
    const reused = second.isSessionReused()
    first.destroy()
    second.destroy()
    return reused
  }

  it('is 1.3 alone unless asked for otherwise', async () => {
    await open()
    await expect(secure(listeners.url, { maxVersion: 'TLSv1.2' })).rejects.toThrow()
  })

  it.each(versions)('resumes nothing unless asked to: %s', async (version) => {
    await open('min_tls_version = "TLSv1.2"')
    expect(await connectTwice(version)).toBe(false)
  })

  it('refuses renegotiation on TLS 1.2', async () => {
    await open('min_tls_version = "TLSv1.2"')
    const socket = await secure(listeners.url, { maxVersion: 'TLSv1.2' })
    const error = await new Promise((done) => {
      socket.on('error', done)
      socket.renegotiate({}, done)
    })
    expect(String(error)).toMatch(/no.renegotiation|handshake|ECONNRESET|closed/i)
  })

  it('asks for a certificate and lets a connection without one speak', async () => {
    await open()
    expect((await ask(listeners.url)).status).toBe(200)
  })

  it('serves a renewed certificate to new connections and keeps the old ones', async () => {
    await open()
    const { clientA } = await testCertificates()
    const agent = keepAlive()
    await ask(listeners.url, { agent })
    listeners.renew({ cert: clientA.pem, key: clientA.key, notAfter: 0 })
    const socket = await secure(listeners.url)
    expect(socket.getPeerX509Certificate()?.subject).toBe('CN=client-a')
    socket.destroy()
    expect((await ask(listeners.url, { agent })).status).toBe(200)
    agent.destroy()
  })

  describe.each(versions)('with tickets, %s', (version) => {
    beforeEach(() => open('session_tickets = true\nmin_tls_version = "TLSv1.2"'))

    it('resumes a session', async () => {
      expect(await connectTwice(version)).toBe(true)
    })

    it('does not resume one from before a change of the trust set', async () => {
      expect(await connectTwice(version, () => trust.reload())).toBe(false)
    })
  })
})

describe('the listener that requires a certificate', () => {
  beforeEach(() => open('[server.mtls]\nport = 0'))

  it('refuses a connection without one at once', async () => {
    await expect(ask(listeners.mtlsUrl ?? '')).rejects.toThrow()
    expect(await raw(listeners.mtlsUrl ?? '', `${get}${close}`)).toBe('')
  })

  it('serves one with a certificate, whoever signed it', async () => {
    const { clientA, selfSignedB } = await testCertificates()
    for (const { pem: cert, key } of [clientA, selfSignedB]) {
      expect((await ask(listeners.mtlsUrl ?? '', { cert, key })).status).toBe(200)
    }
  })

  it('has limits of its own listener', async () => {
    const { clientA } = await testCertificates()
    const many = Array.from({ length: 120 }, () => 'x: y\r\n').join('')
    const given = { cert: clientA.pem, key: clientA.key }
    expect(await raw(listeners.mtlsUrl ?? '', `${get}${many}${close}`, given)).toMatch(
      /^HTTP\/1\.1 431 /,
    )
  })
})

describe('opening', () => {
  it('names the setting of a port that is taken, and leaves nothing open', async () => {
    await open()
    const first = listeners
    const { port } = new URL(first.url)
    const second = open(`[server.mtls]\nport = ${port}`)
    await expect(second).rejects.toMatchObject({
      message: expect.stringMatching(
        /deployment\.toml:4: \[server\.mtls\] 127\.0\.0\.1:\d+ is taken by another program\. Stop/,
      ),
    })
    listeners = first
  })
})

describe('draining', () => {
  it('answers what was asked with Connection: close, and hangs up on the rest', async () => {
    await open()
    const [agent, other] = [keepAlive(), keepAlive()]
    await ask(listeners.url, { agent })
    const slow = ask(`${listeners.url}/slow`, { agent: other })
    const silent = collect(await secure(listeners.url))
    const start = Date.now()
    // The slow request must have arrived.
    await ask(listeners.url)
    await listeners.drain(4000)
    const { status, headers } = await slow
    expect(status).toBe(200)
    expect(headers.connection).toBe('close')
    expect(await silent).toBe('')
    expect(Date.now() - start).toBeLessThan(2500)
    await expect(ask(listeners.url)).rejects.toThrow(/ECONNREFUSED/)
    agent.destroy()
  })

  it('hangs up where the answer had begun before, as soon as it is complete', async () => {
    await open('', (app) => {
      app.get('/begun', (_req, res) => {
        res.write('{"begun":')
        setTimeout(() => res.end('true}'), 300)
      })
    })
    const agent = keepAlive()
    const begun = ask(`${listeners.url}/begun`, { agent })
    await ask(listeners.url)
    const start = Date.now()
    await listeners.drain(4000)
    expect((await begun).body).toEqual({ begun: true })
    expect(Date.now() - start).toBeLessThan(2500)
    agent.destroy()
  })

  it('ends in time, whatever is still being answered', async () => {
    await open('', (app) => {
      app.get('/never', () => undefined)
    })
    const never = ask(`${listeners.url}/never`).catch(String)
    await ask(listeners.url)
    const start = Date.now()
    await listeners.drain(500)
    expect(Date.now() - start).toBeLessThan(1500)
    expect(await never).toMatch(/ECONNRESET|hang up/)
  })
})
