import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { raw } from 'body-parser'
import fc from 'fast-check'
import { readForm, readJson } from '../../../lib/express/read-body'

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

let server: Server
beforeAll(async () => {
  server = createServer((req, res) => {
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
          'content-type': 'application/x-www-form-urlencoded',
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
    const held = createServer((req) => {
      // An app before ours keeps it waiting; all of it has come, and none was read.
      req.pause()
      readForm(req, limit).then(resolve, resolve)
      setTimeout(() => req.socket.destroy(), 50)
      held.close()
    }).listen(0, '127.0.0.1', () => {
      const { port } = held.address() as AddressInfo
      const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': 3 }
      request({ port, method: 'POST', headers })
        .on('error', () => undefined)
        .end('a=b')
    })
  })
  await expect(outcome).resolves.toMatchObject({ reason: 'body_cut_short' })
})

describe('a body that somebody else has read', () => {
  /** What stands before us in an app, with the two ways in which it may have read. */
  const before: Record<string, (req: IncomingMessage & { body?: unknown }) => Promise<void>> = {
    'and left in req.body': (req) => ended(Object.assign(req, { body: {} })),
    'and kept to himself': ended,
  }
  const ours = { form: readForm, json: readJson }

  for (const [how, readFirst] of Object.entries(before)) {
    test.each(['form', 'json'] as const)(
      `${how} is told at once, not waited for: %s`,
      async (type) => {
        const told = new Promise<unknown>((resolve) => {
          readers.late = async (req) => {
            await readFirst(req)
            return ours[type](req, limit).catch((error) => {
              resolve(error)
              throw error
            })
          }
        })
        const answer = send('late', [Buffer.from('a=b')], true)
        expect(await told).toMatchObject({
          code: 'server_error',
          cause: { message: expect.stringContaining('Mount mtls-secret before') },
        })
        expect((await answer).status).toBe(500)
      },
    )
  }

  function ended(req: IncomingMessage): Promise<void> {
    return new Promise((resolve) => req.resume().once('end', resolve))
  }
})
