/**
 * The world in which every server is measured: one folder with a CA, a server certificate, some
 * clients with a secret and a certificate each, and signing keys. Made anew for each run, removed
 * afterwards; all certificates are EC P-256.
 */
import { createHash, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import { join } from 'node:path'
import { built } from './product/built.mjs'

/** Clients that ask for tokens; the connections of a scenario are shared out among them. */
const clientCount = 8

export function makeWorld() {
  const folder = mkdtempSync(join(os.tmpdir(), 'mtls-secret-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const { makeCertificate } = createRequire(import.meta.url)(built('lib/certificate/make.js'))
  const now = Date.now()
  const write = (name, text) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }

  const ca = makeCertificate({ name: 'Bench CA', ca: true, now })
  const server = makeCertificate({ name: 'localhost', server: true, issuer: ca, now })
  const identities = Array.from({ length: clientCount }, (_, index) => {
    const made = makeCertificate({ name: `bench-${index}`, issuer: ca, now })
    const { raw } = new X509Certificate(made.certificatePem)
    const client_secret = randomBytes(32).toString('base64url')
    return {
      client_id: `bench-${index}`,
      client_secret,
      digest: sha256(client_secret),
      thumbprint: sha256(raw),
      certificate: write(`client-${index}.pem`, made.certificatePem),
      // Leaf and root, as many clients are set up to send.
      chain: write(`client-${index}-chain.pem`, made.certificatePem + ca.certificatePem),
      key: write(`client-${index}.key`, made.keyPem),
    }
  })
  return {
    folder,
    identities,
    scope: 'accounts:read accounts:write',
    ca: write('ca.pem', ca.certificatePem),
    server: {
      cert: write('server.pem', server.certificatePem),
      key: write('server.key', server.keyPem),
    },
    /** For the servers that don't make their own. */
    signingKeys: {
      ES256: write('signing-es256.key', pem('ec', { namedCurve: 'P-256' })),
      RS256: write('signing-rs256.key', pem('rsa', { modulusLength: 2048 })),
    },
    /** A folder of its own for each server that is started. */
    subfolder(name) {
      const path = join(folder, name)
      mkdirSync(path, { recursive: true })
      return path
    },
  }
}

function sha256(data) {
  return createHash('sha256').update(data).digest('base64url')
}

function pem(kind, options) {
  const { privateKey } = generateKeyPairSync(kind, options)
  return privateKey.export({ type: 'pkcs8', format: 'pem' })
}
