/**
 * HTTP/1.1 on a raw TLS socket: one request at a time, as light as it can be, since every cycle spent
 * here is one less to see the server with. It reads what servers answer a token request with (status,
 * content-length, body) and takes anything else for an error.
 */
import { connect } from 'node:tls'

/**
 * @param target `{ host, port, secureContext }`
 * `ask(text, answered)` calls `answered(error, body)` once; `reusable` is false when the server said
 * that it closes, after which the connection is to be dropped.
 */
export function openConnection(target) {
  let pending
  let head = ''
  let body = ''
  let missing = -1
  const socket = connect({ ...target, servername: 'localhost', checkServerIdentity: trusted })
  socket.setNoDelay(true)
  const connection = { ask, close, reusable: true }

  socket.on('data', (chunk) => {
    const text = chunk.latin1Slice(0, chunk.length)
    if (missing < 0) {
      head += text
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      body = head.slice(end + 4)
      head = head.slice(0, end)
      const length = contentLength(head)
      if (length === undefined) return fail(new Error(`answer without content-length: ${head}`))
      missing = length - body.length
    } else {
      body += text
      missing -= text.length
    }
    if (missing === 0) finish()
    else if (missing < 0) fail(new Error('more bytes than the answer has'))
  })
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('closed by the server')))
  return connection

  function ask(text, answered) {
    pending = answered
    socket.write(text, 'latin1')
  }

  function finish() {
    const status = head.slice(9, 12)
    connection.reusable = !closes.test(head)
    const answered = pending
    const answer = body
    pending = undefined
    head = ''
    body = ''
    missing = -1
    answered?.(status === '200' ? undefined : refusal(status, answer), answer)
  }

  function fail(error) {
    const answered = pending
    pending = undefined
    connection.reusable = false
    socket.destroy()
    answered?.(error)
  }

  function close() {
    connection.reusable = false
    socket.end()
  }
}

/** The chain is checked by OpenSSL; the name in it is our own. */
const trusted = () => undefined

const closes = /\r\nconnection: close/i
const lengthLine = /\r\ncontent-length: (\d+)/i

function contentLength(head) {
  const found = lengthLine.exec(head)
  return found === null ? undefined : Number(found[1])
}

function refusal(status, body) {
  return Object.assign(new Error(`${status} ${body}`), { status: Number(status) })
}
