/**
 * What WSO2's chain did without saying so. A configuration that reads the same here does not mean
 * the same where that one let a secret alone pass.
 */
import { isLoopback } from '../contradictions'
import type { Settings } from '../schema'
import type { Wso2Document } from './document'
import type { Listener } from './listeners'

export function chainWarnings(listeners: readonly Listener[]): string[] {
  const named = (name: string) => listeners.find(({ handler }) => handler.name === name)
  const mtls = named('mtls-secret')
  if (mtls === undefined) {
    return [
      'No entry names the handler of certificate and secret, so WSO2 ran it with its own defaults or not at all. Here it is on.',
    ]
  }
  if (isOff(mtls)) {
    return [
      'The handler of certificate and secret is off (some versions of WSO2 ran it all the same). Here it is off: clients of the method mtls-secret, which is the usual one, are refused.',
    ]
  }
  return [
    ...basicFirst(named('client_secret_basic')),
    ...twoHandlers(named('tls_client_auth')),
    ...notMandated(mtls),
  ]
}

/** WSO2's Basic authenticator is on without an entry, with priority 100, before this handler's 101. */
function* basicFirst(basic: Listener | undefined) {
  if (basic !== undefined && isOff(basic)) return
  yield 'WSO2 asks its Basic authenticator first: a client that sent its secret the usual way got a token, and its certificate was never looked at. Here every client of the method mtls-secret must show both.'
  if (basic !== undefined) return
  yield 'WSO2 has its Basic authenticator on without an entry. Here it is off: for clients that have no certificate, list client_secret_basic and create them with --method client_secret_basic.'
}

function* twoHandlers(tls: Listener | undefined) {
  if (tls === undefined || isOff(tls)) return
  yield "With both certificate handlers on, WSO2 refused requests that suit both (invalid_request). Here the client's own method decides."
}

function* notMandated({ given }: Listener) {
  const { MandateMutualSSL = true } = (given.properties ?? {}) as Record<string, unknown>
  if (String(MandateMutualSSL).toLowerCase() === 'true') return
  yield `WSO2 reads MandateMutualSSL = ${JSON.stringify(MandateMutualSSL)} as false: a client without a registered certificate, or whose certificate could not be looked up, passed with its secret alone. Here only a client created with --no-certificate may, and only where it is false or "observe".`
}

export function* serverWarnings(wso2: Wso2Document, { server, keystore, truststore }: Settings) {
  if (/wso2carbon\.(jks|p12)$/.test(keystore.tls.file_name)) {
    yield "The private key of WSO2's own wso2carbon keystore is published with WSO2: show a certificate of yours."
  }
  if (/client-truststore\.(jks|p12)$/.test(truststore?.file_name ?? '')) {
    yield "WSO2's client-truststore holds public CAs as well: leave in it only what vouches for your clients. trust list shows what is in it."
  }
  if (wso2.value('transport.https.properties.proxyPort') !== undefined) {
    yield 'Behind a proxy that ends TLS, certificates reach this server by a header, from listed proxies only: see [proxy]. WSO2 ignored that header in this handler.'
  }
  if (server.hostname !== 'localhost' && isLoopback(server.node_ip)) {
    yield `WSO2 listens on all addresses; here [server] node_ip says which, and ${server.node_ip} is reached from this machine alone.`
  }
}

const isOff = ({ entry }: Listener) => entry.enable === false
