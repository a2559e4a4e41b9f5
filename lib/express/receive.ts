import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { CertificateSource } from '../certificate/source'
import type { MaybePromise } from '../client/client-store'
import type { RequestFacts } from '../plugin/events'
import { parseForm } from '../server/form'
import { type Received, readTokenRequest } from '../server/token-request'
import { readForm } from './read-body'
import { stateOf } from './request-state'

/** How a request is read. */
export interface Receiver {
  source: CertificateSource
  /** Bytes of a body at most. */
  limit(): number
}

/** At once when it has been read before. Throws `OAuthError` `invalid_request`. */
export function receive(req: IncomingMessage, receiver: Receiver): MaybePromise<Received> {
  const state = stateOf(req)
  state.received ??= read(req, receiver)
  return state.received
}

/** The same request, once it is known whom it names; whoever receives it from now on sees that. */
export function nameClient(req: IncomingMessage, known: Received, client_id: string): Received {
  const named = { ...known, facts: { ...known.facts, client_id } }
  const state = stateOf(req)
  state.received = named
  state.facts = named.facts
  return named
}

/** Who asked, as far as it is known yet: for the audit line of a request that was never read. */
export function factsOf(req: IncomingMessage): RequestFacts {
  return (
    stateOf(req).facts ?? {
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
  const { presented, address } = source.read(req)
  const facts = {
    client_id,
    thumbprint: presented?.short,
    ip: address,
    request_id: factsOf(req).request_id,
  }
  stateOf(req).facts = facts
  return facts
}

async function read(req: IncomingMessage, { source, limit }: Receiver): Promise<Received> {
  const { presented, unread, address } = source.read(req)
  const request_id = newRequestId()
  const state = stateOf(req)
  state.facts = { client_id: undefined, thumbprint: presented?.short, ip: address, request_id }
  const body = await readForm(req, limit())
  const { url = '', headers } = req
  const mark = url.indexOf('?')
  const received = readTokenRequest({
    form: parseForm(body),
    headers,
    query: mark === -1 ? undefined : url.slice(mark + 1),
    presented,
    unread,
    ip: address,
    request_id,
  })
  state.facts = received.facts
  state.received = received
  return received
}

/** Unique among the lines of all processes: a random word for the process, and a number. */
export function newRequestId(): string {
  count += 1
  return `${processWord}-${count.toString(36)}`
}

const processWord = randomBytes(6).toString('base64url')
let count = 0
