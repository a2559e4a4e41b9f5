import { once } from 'node:events'
import { Agent, createServer, IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { raw } from 'body-parser'
import fc from 'fast-check'
import { directRequests } from '../../../lib/express/direct-body'
import { readForm } from '../../../lib/express/read-body'

/** Our reader is body-parser's raw reader without its price: the same bytes, the same limits. */
const limit = 1000
const readers: Record<string, (req: IncomingMessage) => Promise<Buffer>> = {
  ours: (req) => readForm(req, limit),
  'body-parser': (req) =>
    new Promise((resolve, reject) => {
      raw({ type: () => true, limit, inflate: false })(req, {} as never, (error?: unknown) => {
        const { body } = req as IncomingMessage & { body?: Buffer }
        if (error) reject(error)
        else resolve(Buffer.isBuffer(body) ? body : Buffer.alloc(0))
      })
    }),
}

const formType = { 'content-type': 'application/x-www-form-urlencoded' }

describe.each([
  ['a stream', IncomingMessage],
  ['direct', directRequests()],
])('a request that is %s', (_kind, Request) => {
  let server: Server
  beforeAll(async () => {
    server = createServer({ IncomingMessage: Request }, (req, res) => {
      readers[String(req.headers['x-reader'])]?.(req).then(
        (body) => res.end(body),
        (error) => {
          res.statusCode = error.status
          res.setHeader('connection', 'close')
          res.end()
        },
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  function send(reader: string, chunks: readonly Uint8Array[], declared: boolean) {
    return new Promise<{ status: number | undefined; body: Buffer }>((resolve, reject) => {
      const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
      const req = request(
        {
          port: (server.address() as AddressInfo).port,
          method: 'POST',
          agent: false,
          headers: {
            'x-reader': reader,
            ...formType,
            ...(declared ? { 'content-length': length } : { 'transfer-encoding': 'chunked' }),
          },
        },
        (res) => {
          const parts: Buffer[] = []
          res.on('data', (part) => parts.push(part))
          res.once('end', () => resolve({ status: res.statusCode, body: Buffer.concat(parts) }))
          res.once('error', reject)
        },
      )
      req.once('error', reject)
      for (const chunk of chunks) req.write(chunk)
      req.end()
    })
  }

  test('reads what body-parser reads, and refuses what it refuses for its length', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (chunks, declared) => {
          const ours = await send('ours', chunks, declared)
          expect(ours).toEqual(await send('body-parser', chunks, declared))
        },
      ),
      { numRuns: 150 },
    )
  })

  test.each([999, 1000, 1001])('the limit is the same at %d bytes', async (length) => {
    for (const declared of [true, false]) {
      const chunks = [Buffer.alloc(length, 'x')]
      const ours = await send('ours', chunks, declared)
      expect(ours.status).toBe(length > limit ? 413 : 200)
      expect(ours).toEqual(await send('body-parser', chunks, declared))
    }
  })

  test('gives up a body that lies unread when its peer is gone', async () => {
    const outcome = new Promise((resolve) => {
      const held = createServer({ IncomingMessage: Request }, (req) => {
        // An app before ours keeps it waiting; all of it has come, and none was read.
        req.pause()
        readForm(req, limit).then(resolve, resolve)
        setTimeout(() => req.socket.destroy(), 50)
        held.close()
      }).listen(0, '127.0.0.1', () => {
        const { port } = held.address() as AddressInfo
        const headers = { ...formType, 'content-length': 3 }
        request({ port, method: 'POST', headers })
          .on('error', () => undefined)
          .end('a=b')
      })
    })
    await expect(outcome).resolves.toMatchObject({ reason: 'body_cut_short' })
  })

  test('gives up a body whose peer is gone in the middle of it', async () => {
    const outcome = new Promise((resolve) => {
      const cut = createServer({ IncomingMessage: Request }, (req) => {
        readForm(req, limit).then(resolve, resolve)
        setTimeout(() => req.socket.destroy(), 50)
        cut.close()
      }).listen(0, '127.0.0.1', () => {
        const { port } = cut.address() as AddressInfo
        const headers = { ...formType, 'content-length': 9 }
        request({ port, method: 'POST', headers })
          .on('error', () => undefined)
          .write('a=b')
      })
    })
    await expect(outcome).resolves.toMatchObject({ reason: 'body_cut_short' })
  })

  test('ends for whoever listens after its body was read, and lets the connection go on', async () => {
    const told: string[] = []
    const listening = createServer({ IncomingMessage: Request }, (req, res) => {
      void readForm(req, limit).then((body) => {
        for (const event of ['end', 'close']) req.once(event, () => told.push(event))
        res.end(body)
      })
    }).listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const { port } = listening.address() as AddressInfo
    for (const body of ['a=1', 'b=2']) {
      const asked = request({ port, agent, method: 'POST', headers: formType }).end(body)
      const [res] = (await once(asked, 'response')) as [IncomingMessage]
      expect(Buffer.concat(await res.toArray()).toString()).toBe(body)
      if (body === 'b=2') expect(asked.reusedSocket).toBe(true)
    }
    agent.destroy()
    await new Promise((resolve) => listening.close(resolve))
    // All of a stream is over by then.
    const each = Request === IncomingMessage ? [] : ['end', 'close']
    expect(told).toEqual([...each, ...each])
  })

  test('of which somebody else reads is left to both', async () => {
    const heard: Buffer[] = []
    const shared = createServer({ IncomingMessage: Request }, (req, res) => {
      req.on('data', (chunk) => heard.push(chunk))
      void readForm(req, limit).then((body) => res.end(body))
    }).listen(0, '127.0.0.1')
    await once(shared, 'listening')
    const { port } = shared.address() as AddressInfo
    const asked = request({ port, agent: false, method: 'POST', headers: formType }).end('a=1')
    const [res] = (await once(asked, 'response')) as [IncomingMessage]
    expect(Buffer.concat(await res.toArray()).toString()).toBe('a=1')
    expect(Buffer.concat(heard).toString()).toBe('a=1')
    await new Promise((resolve) => shared.close(resolve))
  })
})
