import type { IncomingMessage } from 'node:http'
import type { RequestHandler, Response } from 'express'
import type { OAuthError } from '../error/oauth-error'
import type { BrowserReply, BrowserRequest } from '../server/browser'
import { tooLong } from '../server/credentials'
import { parseForm } from '../server/form'
import { html } from '../server/html'
import { documentOf } from '../server/pages'
import type { Parts } from '../server/parts'
import { readForm } from './read-body'
import { factsOf, noteFacts, type Receiver } from './receive'
import { tellRefusal, toOAuthError } from './reply'
import { errorHeaders, writePage, writeRedirect } from './write-reply'

/** An endpoint for people: what goes wrong is a page, never JSON and never a redirect. */
export function browserRoute(
  parts: Parts,
  receiver: Receiver,
  answer: (parts: Parts, browser: BrowserRequest) => Promise<BrowserReply>,
): RequestHandler {
  return (req, res, next) => {
    receiveBrowser(req, receiver)
      .then((browser) => answer(parts, browser))
      .then((reply) => writeReply(parts, req, res, reply))
      .catch((cause: unknown) => writeProblem(parts, req, res, toOAuthError(cause)))
      .catch(next)
  }
}

/** GET: the query; POST: the form. Throws `OAuthError`. */
async function receiveBrowser(req: IncomingMessage, receiver: Receiver): Promise<BrowserRequest> {
  noteFacts(req, receiver, undefined)
  const { url = '', headers, method } = req
  const mark = url.indexOf('?')
  const query = Buffer.from(mark === -1 ? '' : url.slice(mark + 1), 'latin1')
  const { parameters } = parseForm(
    method === 'POST' ? await readForm(req, receiver.limit()) : query,
  )
  const { client_id } = parameters
  const facts = noteFacts(req, receiver, tooLong(client_id) ? undefined : client_id)
  return { parameters, cookie: readCookie(headers.cookie), origin: headers.origin, facts }
}

function writeReply(parts: Parts, req: IncomingMessage, res: Response, reply: BrowserReply): void {
  const headers = setCookie(reply.cookie)
  if ('location' in reply) {
    if (reply.refusal !== undefined) tellRefusal(parts, req, reply.refusal)
    writeRedirect(res, reply.location, headers)
  } else {
    const { page, status = 200, formTargets = [] } = reply
    writePage(res, status, documentOf(parts.pages, page, formTargets), headers)
  }
}

function writeProblem(parts: Parts, req: IncomingMessage, res: Response, error: OAuthError): void {
  tellRefusal(parts, req, error)
  const { description, status } = error
  const page = parts.pages.error({ description, request_id: factsOf(req).request_id }, html)
  writePage(res, status, documentOf(parts.pages, page, []), errorHeaders(req, error))
}

/**
 * `__Host-`: set over TLS by this very host, for all of it. `Lax` and not `Strict`, since the browser
 * comes from the client's site and must be known here.
 */
const cookieName = '__Host-browser'

function readCookie(header = ''): string | undefined {
  const found = header.split('; ').filter((pair) => pair.startsWith(`${cookieName}=`))
  const value = found[0]?.slice(cookieName.length + 1)
  return found.length === 1 && /^[\w-]{43}$/.test(value ?? '') ? value : undefined
}

function setCookie(value: string | null | undefined): Record<string, string> {
  if (value === undefined) return {}
  const end = value === null ? '; Max-Age=0' : ''
  return {
    'set-cookie': `${cookieName}=${value ?? ''}; Path=/; Secure; HttpOnly; SameSite=Lax${end}`,
  }
}
