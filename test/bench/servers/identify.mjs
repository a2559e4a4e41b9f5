/** The peers' client authentication: secret by digest, certificate by thumbprint, both or nothing. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { clients } from './world.mjs'

/** The client, or false. */
export function identify(client_id, client_secret, socket) {
  const client = bySecret(client_id, client_secret)
  return client && showsCertificate(client_id, socket) && client
}

export function bySecret(client_id, client_secret) {
  const client = clients.get(client_id)
  if (client === undefined || typeof client_secret !== 'string') return false
  const digest = createHash('sha256').update(client_secret).digest('base64url')
  return timingSafeEqual(Buffer.from(digest), Buffer.from(client.digest)) && client
}

/** Whether the connection shows the certificate that is registered for this client. */
export function showsCertificate(client_id, socket) {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return false
  const thumbprint = createHash('sha256').update(certificate.raw).digest('base64url')
  return thumbprint === clients.get(client_id)?.thumbprint
}
