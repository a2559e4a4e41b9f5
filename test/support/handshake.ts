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

/** Both ends of a real TLS connection on loopback, in request mode as our servers run; closed after `use`. */
export async function withHandshake<T>(
  { server, client, chain = [], serverOptions, clientOptions }: Handshake,
  use: (ends: { atServer: TLSSocket; atClient: TLSSocket }) => T | Promise<T>,
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
  const { port } = listener.address() as AddressInfo
  const accepted = once(listener, 'secureConnection')
  const atClient = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ...(client && { cert: [client, ...chain].map(({ pem }) => pem).join(''), key: client.key }),
    ...clientOptions,
  })
  atClient.on('error', () => undefined)
  try {
    const [atServer] = (await accepted) as [TLSSocket]
    atServer.on('error', () => undefined)
    return await use({ atServer, atClient })
  } finally {
    atClient.destroy()
    listener.close()
    await once(listener, 'close')
  }
}
