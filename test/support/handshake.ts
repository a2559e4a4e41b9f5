import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import {
  type ConnectionOptions,
  connect,
  createServer,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls'
import type { TestCertificate } from './certificates'

export interface Handshake {
  server: TestCertificate
  client?: TestCertificate | undefined
  /** Sent behind the client's own certificate. */
  chain?: readonly TestCertificate[]
  serverOptions?: TlsOptions
  clientOptions?: ConnectionOptions
}

export interface Ends {
  atServer: TLSSocket
  atClient: TLSSocket
  /** The client's ticket; with TLS 1.3 it comes once the client reads. */
  session: Promise<Buffer>
}

/** Both ends of a real TLS connection on loopback, in request mode as our servers run; closed after `use`. */
export async function withHandshake<T>(
  { server, client, chain = [], serverOptions, clientOptions }: Handshake,
  use: (ends: Ends) => T | Promise<T>,
): Promise<T> {
  const listener = createServer({
    cert: server.pem,
    key: server.key,
    ca: [],
    requestCert: true,
    rejectUnauthorized: false,
    ...serverOptions,
  })
  listener.on('tlsClientError', () => undefined)
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  let atClient: TLSSocket | undefined
  try {
    const { port } = listener.address() as AddressInfo
    const accepted = once(listener, 'secureConnection')
    const connecting = connect({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      // Shows whatever it is given, weak or not.
      ciphers: 'DEFAULT@SECLEVEL=0',
      ...(client && { cert: [client, ...chain].map(({ pem }) => pem).join(''), key: client.key }),
      ...clientOptions,
    })
    atClient = connecting
    connecting.on('error', () => undefined)
    const session = new Promise<Buffer>((resolve) => connecting.once('session', resolve))
    const [[atServer]] = (await Promise.all([accepted, once(connecting, 'secureConnect')])) as [
      [TLSSocket],
      unknown,
    ]
    atServer.on('error', () => undefined)
    return await use({ atServer, atClient: connecting, session })
  } finally {
    atClient?.destroy()
    listener.close()
    await once(listener, 'close')
  }
}
