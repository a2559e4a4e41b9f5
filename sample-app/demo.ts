/**
 * One client to try the server with, registered with `certs/client.pem`. Its form data, secret
 * included, lies in a file that only its owner may read, and a curl command that sends it is shown at
 * each start.
 */
import cluster from 'node:cluster'
import { createHash, X509Certificate } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { AuthorizationServer, Deployment, Service } from '../lib'

export async function offerDemo(
  service: Service,
  server: AuthorizationServer,
  { keystore }: Deployment,
): Promise<void> {
  // Of several processes, the first tells.
  if (cluster.isWorker) return
  const folder = dirname(keystore.tls.file_name)
  const file = (name: string) => join(folder, name)
  const form = file('demo-client.form')
  const certificate = await readFile(file('client.pem'), 'utf8')
  const client = await knownClient(server, await readForm(form))
  if (client === undefined) await writeForm(form, await createClient(server, certificate))
  else if (!client.certificates.some(({ der }) => der.equals(derOf(certificate)))) {
    await server.clients.addCertificate(client.client_id, certificate)
  }

  const curl = [
    `curl --cacert ${quote(file('ca.pem'))}`,
    `--cert ${quote(file('client.pem'))} --key ${quote(file('client.key'))}`,
    `-d ${quote(`@${form}`)} ${service.url}/oauth2/token`,
  ].join(' ')
  if (!process.stdout.isTTY) return service.log.info('demo.ready', { curl })
  await service.log.flush()
  process.stdout.write(`\nPaste this, from any folder, for a token:\n\n${curl}\n\n`)
}

interface Credentials {
  client_id: string
  client_secret: string
}

async function readForm(form: string): Promise<Credentials> {
  const fields = new URLSearchParams(await readFile(form, 'utf8').catch(() => ''))
  return {
    client_id: fields.get('client_id') ?? '',
    client_secret: fields.get('client_secret') ?? '',
  }
}

/** Still registered, and with this secret. A disabled client stays disabled. */
async function knownClient(
  { clients }: AuthorizationServer,
  { client_id, client_secret }: Credentials,
) {
  const client = await clients.find(client_id)
  const presented = createHash('sha256').update(client_secret).digest('base64url')
  const current = client?.secrets.some(
    ({ digest, expires }) => digest === presented && expires === undefined,
  )
  return current ? client : undefined
}

function derOf(pem: string): Buffer {
  return new X509Certificate(pem).raw
}

async function createClient(
  { clients }: AuthorizationServer,
  certificate: string,
): Promise<Credentials> {
  const { client, client_secret = '' } = await clients.create({
    client_name: 'demo',
    grant_types: ['client_credentials'],
    scope: 'accounts:read',
    certificate,
  })
  return { client_id: client.client_id, client_secret }
}

/** Whole or not at all, and never readable by others. */
async function writeForm(form: string, credentials: Credentials): Promise<void> {
  const fields = new URLSearchParams({ grant_type: 'client_credentials', ...credentials })
  const next = `${form}.tmp`
  await writeFile(next, fields.toString(), { mode: 0o600 })
  await rename(next, form)
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
