/**
 * What can be wrong before there is a request: TLS that fails, bytes that are no HTTP, headers
 * without end, a peer that takes its time. Each is answered where an answer can be read, closed, and
 * never more than one line in the log.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server } from 'node:https'
import { type Duplex, finished } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { OAuthError } from '../error/oauth-error'
import type { RefusalReason } from '../error/reasons'
import { newRequestId } from '../express/receive'
import { writeError } from '../express/write-reply'
import type { Log } from '../plugin/plugin'
import type { Connections } from './connections'

/** A hundred header lines, name and value each. Node drops those above a thousand silently. */
const maxRawHeaders = 200

/** True when the request was answered here and goes no further. */
export function refuseManyHeaders(log: Log, req: IncomingMessage, res: ServerResponse): boolean {
  if (req.rawHeaders.length <= maxRawHeaders) return false
  refused(log, 'headers_too_large', req.socket.remoteAddress)
  const error = new OAuthError('invalid_request', { reason: 'headers_too_large', status: 431 })
  writeError(req, res, error)
  return true
}

export function refuseMalformed(server: Server, connections: Connections, log: Log): void {
  // A failed handshake comes here too, as `https` passes it on: there is nobody to answer.
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const refusal = refusalOf(error.code)
    const ip = socket instanceof TLSSocket ? socket.remoteAddress : undefined
    if (refusal === undefined || !socket.writable || connections.isAnswering(socket)) {
      socket.destroy()
      return
    }
    refused(log, refusal.reason, ip)
    finished(socket.end(rawAnswer(refusal.status)), { readable: false }, () => socket.destroy())
  })
}

function refused(log: Log, reason: RefusalReason, ip: string | undefined): void {
  log.warn('request.refused', { error: 'invalid_request', reason, ip, request_id: newRequestId() })
}

interface Refusal {
  status: string
  reason: RefusalReason
}

function refusalOf(code: string | undefined): Refusal | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return { status: '431 Request Header Fields Too Large', reason: 'headers_too_large' }
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: '408 Request Timeout', reason: 'request_timeout' }
  }
  return code?.startsWith('HPE_')
    ? { status: '400 Bad Request', reason: 'malformed_http' }
    : undefined
}

function rawAnswer(status: string): string {
  const body = '{"error":"invalid_request","error_description":"The request is malformed."}'
  return [
    `HTTP/1.1 ${status}`,
    'content-type: application/json',
    'cache-control: no-store',
    'connection: close',
    `content-length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}
