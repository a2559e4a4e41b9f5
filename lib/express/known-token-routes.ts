import type { RequestHandler } from 'express'
import { introspect, signedIntrospection, signIntrospection } from '../server/introspect'
import type { Parts } from '../server/parts'
import { revokeToken } from '../server/revoke'
import type { Authenticate } from './authenticate'
import { type Receiver, receive } from './receive'
import { answering } from './reply'
import { writeJson, writeJwt } from './write-reply'

/** What may be asked, and done, about a token that is out. Whoever does so authenticates as at the token endpoint. */
export function introspectRoute(
  parts: Parts,
  receiver: Receiver,
  authenticate: Authenticate,
): RequestHandler {
  return answering(async (req, res) => {
    const { client } = await authenticate(req)
    const answer = await introspect(parts, await receive(req, receiver), client)
    if (accepts(req.headers.accept, signedIntrospection)) {
      writeJwt(res, signedIntrospection, signIntrospection(parts, client, answer))
    } else writeJson(res, 200, answer)
  })
}

export function revokeRoute(
  parts: Parts,
  receiver: Receiver,
  authenticate: Authenticate,
): RequestHandler {
  return answering(async (req, res) => {
    const { client } = await authenticate(req)
    await revokeToken(parts, await receive(req, receiver), client)
    writeJson(res, 200, {})
  })
}

/** Whether a media type is asked for by its name; `q=0` says that it is not. */
function accepts(header = '', type: string): boolean {
  return header
    .toLowerCase()
    .split(',')
    .map((range) => range.split(';').map((part) => part.trim()))
    .some(([name, ...more]) => name === type && !more.some((part) => /^q=0(\.0*)?$/.test(part)))
}
