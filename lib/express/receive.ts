import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { CertificateSource } from '../certificate/source'
import { OAuthError } from '../error/oauth-error'
import type { RequestFacts } from '../plugin/events'
import { parseForm } from '../server/form'
import { type Received, readTokenRequest } from '../server/token-request'
import { readForm } from './read-body'

/**
 * One request is read once, whoever asks first: Passport's strategy, a middleware or the endpoint.
 */
export interface Receiver {
  source: CertificateSource
  /** Bytes of a body. */
  limit: number
}

type Remembering = IncomingMessage & {
  [received]?: Promise<Received>
  [facts]?: RequestFacts
  body?: unknown
}
const received = Symbol('received')
const facts = Symbol('facts')

/** Throws `OAuthError` `invalid_request`. */
export function receive(req: IncomingMessage, receiver: Receiver): Promise<Received> {
  const request: Remembering = req
  request[received] ??= read(request, receiver)
  return request[received]
}

/** The same request, once it is known whom it names; whoever receives it from now on sees that. */
export function nameClient(req: IncomingMessage, known: Received, client_id: string): Received {
  const request: Remembering = req
  const named = { ...known, facts: { ...known.facts, client_id } }
  request[received] = Promise.resolve(named)
  request[facts] = named.facts
  return named
}

/** Who asked, as far as it is known yet: for the audit line of a request that was never read. */
export function factsOf(req: IncomingMessage): RequestFacts {
  const request: Remembering = req
  return (
    request[facts] ?? {
      client_id: undefined,
      thumbprint: undefined,
      ip: req.socket.remoteAddress,
      request_id: newRequestId(),
    }
  )
}

/** Who asked, of a request that authenticates no client; it may say that it is about one. */
export function noteFacts(
  req: IncomingMessage,
  { source }: Pick<Receiver, 'source'>,
  client_id: string | undefined,
): RequestFacts {
  const request: Remembering = req
  const { presented, address } = source.read(req)
  request[facts] = {
    client_id,
    thumbprint: presented?.thumbprint.slice(0, 16),
    ip: address,
    request_id: factsOf(req).request_id,
  }
  return request[facts]
}

async function read(req: Remembering, { source, limit }: Receiver): Promise<Received> {
  if (req.body !== undefined) throw new OAuthError('server_error', bodyTaken)
  const { presented, unread, address } = source.read(req)
  const request_id = newRequestId()
  req[facts] = {
    client_id: undefined,
    thumbprint: presented?.thumbprint.slice(0, 16),
    ip: address,
    request_id,
  }
  const { url = '', headers } = req
  const mark = url.indexOf('?')
  const result = readTokenRequest({
    form: parseForm(await readForm(req, limit)),
    headers,
    query: mark === -1 ? undefined : url.slice(mark + 1),
    presented,
    unread,
    ip: address,
    request_id,
  })
  req[facts] = result.facts
  return result
}

const bodyTaken = {
  reason: 'internal',
  cause: new Error(
    'The body was read by another parser. Mount mtls-secret before express.urlencoded().',
  ),
} as const

/** Unique among the lines of all processes: a random word for the process, and a number. */
export function newRequestId(): string {
  count += 1
  return `${processWord}-${count.toString(36)}`
}

const processWord = randomBytes(6).toString('base64url')
let count = 0
