import { once } from 'node:events'
import { createServer, type RequestListener, ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { directAnswers } from '../../../lib/express/direct-answer'

const text = JSON.stringify({ access_token: 'a'.repeat(700), token_type: 'Bearer' })
const lines = ['content-type', 'application/json', 'content-length', String(text.length)]

const answers: Record<string, RequestListener> = {
  'headers and text': (_req, res) => res.writeHead(200, lines).end(text, 'latin1'),
  'a Latin-1 letter': (_req, res) => {
    res.writeHead(200, ['content-length', '4']).end('\u00e9\u00ff\u0080a', 'latin1')
  },
  'text in UTF-8': (_req, res) =>
    res.writeHead(200, ['content-length', '4']).end('\u20aca', 'utf8'),
  'text alone': (_req, res) => void res.end(text, 'latin1'),
  'chunks, then text': (_req, res) => {
    res.writeHead(200)
    res.write('one')
    res.end('two', 'latin1')
  },
  'no length': (_req, res) => void res.writeHead(200).end(text, 'latin1'),
  'a part before': (_req, res) => {
    res.writeHead(200, ['content-length', '6'])
    res.write('one', 'latin1')
    res.end('two', 'latin1')
  },
  'a status without body': (_req, res) => void res.writeHead(204).end('gone', 'latin1'),
  nothing: (_req, res) => void res.writeHead(200, ['content-length', '0']).end('', 'latin1'),
  'headers sent before': (_req, res) => {
    res.writeHead(200, lines)
    res.flushHeaders()
    res.end(text, 'latin1')
  },
  'later than the next request': (_req, res) => {
    setTimeout(() => res.writeHead(200, lines).end(text, 'latin1'), 20)
  },
  'an end told of': (_req, res) => {
    res.writeHead(200, ['content-length', '4']).end('told', 'latin1', () => res.emit('told'))
    if (res.listenerCount('finish') < 2) res.socket?.write('nobody is told')
  },
  'two ends': (_req, res) => {
    res.writeHead(200, ['content-length', '3']).end('one', 'latin1')
    res.on('error', () => undefined).end('two', 'latin1')
  },
  'an end that is wrapped': (_req, res) => {
    const { end } = res
    res.end = ((chunk: string) => end.call(res, chunk.toUpperCase(), 'latin1')) as typeof end
    res.writeHead(200, ['content-length', '5']).end('small')
  },
  'a length that must be right': (_req, res) => {
    res.strictContentLength = true
    res.writeHead(200, ['content-length', '5']).end('right', 'latin1')
  },
}

/** All that a server sends to two requests that come at once. */
async function bytesOf(Response: typeof ServerResponse, answer: RequestListener, method: string) {
  const server = createServer({ ServerResponse: Response }, (req, res) => {
    res.sendDate = false
    answer(req, res)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const ask = (connection: string) =>
    `${method} / HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`
  socket.write(ask('keep-alive') + ask('close'))
  const bytes = Buffer.concat(await socket.toArray())
  await new Promise((resolve) => server.close(resolve))
  return bytes.toString('latin1')
}

describe.each(['GET', 'HEAD'])('an answer to %s is byte for byte what Node sends', (method) => {
  it.each(Object.entries(answers))('%s', async (_what, answer) => {
    const ours = await bytesOf(directAnswers(), answer, method)
    expect(ours).toMatch(/^HTTP\/1\.1 20\d /)
    expect(ours).toBe(await bytesOf(ServerResponse, answer, method))
  })
})

it('leaves with its headers in one piece', async () => {
  const pieces: unknown[][] = []
  const watched: RequestListener = (_req, res) => {
    const { socket } = res
    const write = socket?.write.bind(socket)
    Object.assign(socket ?? {}, {
      write: (...given: Parameters<NonNullable<typeof write>>) => {
        pieces.push(given)
        return write?.(...given)
      },
    })
    res.writeHead(200, lines).end(text, 'latin1')
  }
  await bytesOf(directAnswers(), watched, 'GET')
  expect(pieces.length).toBeGreaterThan(0)
  expect(pieces.every(([piece]) => String(piece).endsWith(text))).toBe(true)
})

it('keeps no text in what loggers show of an answer', async () => {
  let shown: unknown
  const answer: RequestListener = (_req, res) => {
    res.writeHead(200, lines).end(text, 'latin1')
    shown = Object(res)._header
  }
  await bytesOf(directAnswers(), answer, 'GET')
  expect(shown).toMatch(/^HTTP\/1\.1 200 OK/)
  expect(shown).not.toContain('access_token')
})
