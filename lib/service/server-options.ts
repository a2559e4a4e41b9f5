import type { ServerOptions } from 'node:https'
import type { Express } from 'express'
import { constructorsFor } from './express-prototypes'
import { secureContext, type TlsSettings } from './secure-context'

/**
 * Everything that `https.createServer` needs beside key and certificate to serve `app` safely and
 * fast: a client certificate is asked for and judged per request, TLS 1.3, slow peers are let go.
 * Switches off `x-powered-by` and ETags of the app.
 *
 * The trust set may change while the server runs; tell the server then:
 *
 * @example
 * const options = () => ({ key, cert, ...serverOptions(app, { trust }) })
 * const listener = createServer(options(), app).listen(9443)
 * trust.onChange(() => listener.setSecureContext(options()))
 */
export function serverOptions(app: Express, settings: TlsSettings): ServerOptions {
  app.disable('x-powered-by')
  app.disable('etag')
  return {
    ...constructorsFor(app),
    ...secureContext(settings),
    requestCert: true,
    // A useful answer needs a connection: who has no good certificate is told so in JSON.
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: 10_000,
    headersTimeout: 10_000,
    requestTimeout: 15_000,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: 2_000,
    maxHeaderSize: 16_384,
  }
}
