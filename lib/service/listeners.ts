/**
 * The HTTPS listeners: the one that everybody may use, and the one that requires a certificate.
 * Both serve the same app with the same certificate, trust set and limits.
 */

import { createServer, type Server } from 'node:https'
import type { Express } from 'express'
import { presentedByTls } from '../certificate/presented'
import type { Trust } from '../certificate/trust'
import { SetupError } from '../error/setup-error'
import type { Log } from '../plugin/plugin'
import { type Connections, watchConnections } from './connections'
import { refuseMalformed, refuseManyHeaders } from './malformed'
import { secureContext, type TlsSettings } from './secure-context'
import type { ServeSettings } from './serve-settings'
import type { ServerCertificate } from './server-certificate'
import { serverOptions } from './server-options'

export interface Listeners {
  /** Where they are bound, in the public name. */
  readonly url: string
  readonly mtlsUrl: string | undefined
  /** From now on this certificate and the present trust set, for every new connection. */
  renew(certificate: ServerCertificate): void
  limit(limits: Limits): void
  /** At most so many milliseconds. */
  drain(limit: number): Promise<void>
}

export type Limits = ServeSettings['server']['limits']

export interface ListenerSettings {
  settings: ServeSettings
  certificate: ServerCertificate
  trust: Trust
  log: Log
}

/** Binds the ports. Throws `SetupError` when one is taken, and leaves nothing bound. */
export async function openListeners(app: Express, given: ListenerSettings): Promise<Listeners> {
  const { settings, trust } = given
  const { hostname, port, mtls, limits } = settings.server
  const opened: Listener[] = []
  const open = async (key: readonly string[], port: number, certificateRequired: boolean) => {
    const listener = createListener(app, given, certificateRequired)
    await bind(listener.server, port, key, settings)
    opened.push(listener)
    const address = listener.server.address()
    const bound = typeof address === 'object' ? address?.port : port
    return new URL(`https://${hostname}:${bound}`).origin
  }

  let url: string
  let mtlsUrl: string | undefined
  try {
    url = await open(['server', 'port'], port, false)
    if (mtls) mtlsUrl = await open(['server', 'mtls', 'port'], mtls.port, true)
  } catch (cause) {
    for (const { server } of opened) server.close()
    throw cause
  }

  let { certificate } = given
  const apply = () => {
    const { cert, key } = certificate
    for (const { server } of opened) {
      server.setSecureContext({ cert, key, ...secureContext(tlsSettings(given)) })
    }
  }
  trust.onChange(apply)
  const listeners: Listeners = {
    url,
    mtlsUrl,
    renew(next) {
      certificate = next
      apply()
    },
    limit(next) {
      const share = { ...next, connections: Math.ceil(next.connections / settings.server.workers) }
      for (const listener of opened) applyLimits(listener, share)
    },
    async drain(limit) {
      await Promise.all(opened.map(({ connections }) => connections.drain(limit)))
    },
  }
  listeners.limit(limits)
  return listeners
}

interface Listener {
  server: Server
  connections: Connections
}

function createListener(
  app: Express,
  given: ListenerSettings,
  certificateRequired: boolean,
): Listener {
  const { cert, key } = given.certificate
  const { request_timeout } = given.settings.server.limits
  const server = createServer({
    cert,
    key,
    ...serverOptions(app, tlsSettings(given)),
    connectionsCheckingInterval: Math.min(2_000, Math.ceil(request_timeout * 250)),
  })
  const connections = watchConnections(server)
  server.on('request', (req, res) => {
    connections.answer(req.socket, res)
    if (!refuseManyHeaders(given.log, req, res)) app(req, res)
  })
  refuseMalformed(server, connections, given.log)
  if (certificateRequired) {
    // Whether one is there is all that this listener asks; whose it is, the request's check tells.
    server.on('secureConnection', (socket) => {
      if (presentedByTls(socket) === undefined) socket.destroy()
    })
  }
  return { server, connections }
}

function tlsSettings({ settings: { server }, trust }: ListenerSettings): TlsSettings {
  return { trust, minTlsVersion: server.min_tls_version, sessionTickets: server.session_tickets }
}

function applyLimits({ server, connections }: Listener, limits: Limits): void {
  connections.limit(limits.connections, limits.keep_alive_timeout * 1000)
  server.maxRequestsPerSocket = limits.requests_per_connection
  server.requestTimeout = limits.request_timeout * 1000
  server.headersTimeout = Math.min(10_000, server.requestTimeout)
}

function bind(
  server: Server,
  port: number,
  key: readonly string[],
  { server: { node_ip }, locate }: ListenerSettings['settings'],
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(bindError(cause, `${node_ip}:${port}`, key).at(locate(key)))
    })
    server.listen(port, node_ip, resolve)
  })
}

function bindError(
  cause: NodeJS.ErrnoException,
  where: string,
  key: readonly string[],
): SetupError {
  const [problem, fix] = bindProblems[cause.code ?? ''] ?? [
    `could not be opened (${cause.code ?? cause.message})`,
    'Write another address.',
  ]
  return new SetupError(`[${key.slice(0, -1).join('.')}] ${where} ${problem}.`, fix, { key }, cause)
}

const bindProblems: Record<string, readonly [problem: string, fix: string]> = {
  EADDRINUSE: ['is taken by another program', 'Stop that one, or write another port.'],
  EACCES: ['may not be opened by this user', 'Write a port above 1023.'],
  EADDRNOTAVAIL: ['is no address of this machine', 'Write one of its own in node_ip.'],
}
