/**
 * What every server of the comparison is given: `node SERVER.mjs SETTINGS.json`. When it listens it
 * says so with the product's own line.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'

export const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'))

export const clients = new Map(settings.identities.map((client) => [client.client_id, client]))

export const signingKey = createPrivateKey(readFileSync(settings.signingKey))
export const publicKey = createPublicKey(signingKey)

/** The issuer, known once the server listens. */
export let issuer = 'https://localhost'

/** Key, certificate, and a certificate asked of the client, checked against the CA and not enforced. */
export const tlsOptions = {
  key: readFileSync(settings.server.key),
  cert: readFileSync(settings.server.cert),
  ca: readFileSync(settings.ca),
  requestCert: true,
  rejectUnauthorized: false,
  minVersion: 'TLSv1.3',
  ALPNProtocols: ['http/1.1'],
}

export function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      issuer = `https://localhost:${server.address().port}`
      resolve()
    })
  })
}

export function ready(facts = {}) {
  const line = { time: new Date(), level: 'info', event: 'server.listening', url: issuer, ...facts }
  process.stdout.write(`${JSON.stringify(line)}\n`)
  process.on('SIGTERM', () => process.exit())
}
