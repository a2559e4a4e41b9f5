import { Command } from 'commander'
import type { Clients } from '../client/clients'
import { needsCertificate } from '../client/credentials'
import type { NewClient } from '../client/new-client'
import { SetupError } from '../error/setup-error'
import { readClientCertificate } from './certificate-file'
import { withDeployment } from './deployment'
import { readInput, readSecret } from './input'
import { tellingLostAnchors } from './lost-anchors'
import { secret, withNewFiles } from './new-file'
import { printJson, say } from './say'
import { tlsIssuer } from './tls-issuer'

interface CreateOptions {
  name?: string
  grant?: string[]
  scope?: string
  /** `false` for `--no-certificate`. */
  certificate: boolean
  cert?: string[]
  tlsSubject?: string
  tlsSanDns?: string
  tlsSanUri?: string
  tlsSanIp?: string
  tlsSanEmail?: string
  tlsIssuer?: string
  redirectUri?: string[]
  resource?: string[]
  resourceServer?: string
  jwks?: string
  method?: string
  clientId?: string
  secretFile?: string
  /** `false` for `--no-refresh`. */
  refresh: boolean
  out?: string
}

export function clientCreate(): Command {
  return new Command('create')
    .description('register a client; its secret is shown this once')
    .option('--name <name>', 'what people call it; must be given')
    .option('--grant <grant>', 'a grant type (repeatable; default client_credentials)', all)
    .option('--scope <scopes>', 'scope names, separated by one space')
    .option('--cert <file>', 'its certificate (repeatable)', all)
    .option('--tls-subject <dn>', 'or the subject of its certificates, as RFC 4514 writes it')
    .option('--tls-san-dns <name>', 'or a DNS name in them')
    .option('--tls-san-uri <uri>', 'or a URI in them')
    .option('--tls-san-ip <address>', 'or an IP address in them')
    .option('--tls-san-email <address>', 'or an e-mail address in them')
    .option('--tls-issuer <file>', 'the certificate of the CA under which that name counts')
    .option('--no-certificate', 'let it in by its secret alone, where MandateMutualSSL allows')
    .option('--redirect-uri <uri>', 'where the browser returns to (repeatable)', all)
    .option('--resource <uri>', 'an audience it may ask for (repeatable)', all)
    .option('--resource-server <uri>', 'the audience that it is itself')
    .option('--jwks <file>', 'its public keys, for private_key_jwt')
    .option('--method <method>', 'how it authenticates (default mtls-secret)')
    .option('--client-id <id>', 'an id that it has already')
    .option('--secret-file <file>', 'a secret that it has already; - reads it from stdin')
    .option('--no-refresh', 'no refresh tokens with password and authorization_code')
    .option('--out <file>', 'write the answer into a new file that only you can read')
    .addHelpText('after', example)
    .action(create)
}

const example = `
Example:
  mtls-secret client create --name billing --cert certs/billing.pem --out billing.json`

async function create(options: CreateOptions, command: Command): Promise<void> {
  checkUsage(options, command)
  const given = await newClient(options)
  await withDeployment(command, async (deployment) => {
    const { clients, store, settings } = deployment
    const { tlsIssuer: file, out, cert } = options
    const tls_client_auth_issuer = tlsName(options) && (await tlsIssuer(store, settings, file))
    const client = { ...given, tls_client_auth_issuer }
    await tellingLostAnchors(deployment, cert ?? [], async () => {
      if (out === undefined) printJson(await register(clients, client))
      else await registerInto(out, clients, client)
    })
  })
}

/** The answer goes into a new file alone. */
async function registerInto(out: string, clients: Clients, client: NewClient): Promise<void> {
  await withNewFiles([{ path: out, mode: secret }], async ([file]) => {
    const answer = await register(clients, client)
    try {
      await file?.write(`${JSON.stringify(answer, null, 2)}\n`)
    } catch (error) {
      // A client whose secret nobody has is worse than none.
      await clients.remove(answer.client_id)
      throw error
    }
    say(`client ${answer.client_id} is registered; its secret is in ${out}.`)
  })
}

/** What is missing or contradicts itself whatever the server's state: a wrong command line. */
function checkUsage(options: CreateOptions, command: Command): void {
  const { name, certificate, cert, tlsIssuer, method = 'mtls-secret' } = options
  if (name === undefined) command.error('missing --name.')
  const shown = cert !== undefined || tlsName(options) !== undefined
  if (shown && !certificate) command.error('--no-certificate contradicts the certificate given.')
  if (tlsIssuer !== undefined && tlsName(options) === undefined) {
    command.error('--tls-issuer needs a --tls-… name beside it.')
  }
  if (needsCertificate(method) && !shown && certificate) {
    command.error('missing --cert FILE, --tls-… NAME or --no-certificate.')
  }
}

function tlsName(options: CreateOptions): string | undefined {
  const { tlsSubject, tlsSanDns, tlsSanUri, tlsSanIp, tlsSanEmail } = options
  return tlsSubject ?? tlsSanDns ?? tlsSanUri ?? tlsSanIp ?? tlsSanEmail
}

/** RFC 7591 section 3.2.1. */
async function register(clients: Clients, newClient: NewClient) {
  const { client, client_secret } = await clients.create(newClient)
  const { client_id, ...metadata } = client
  if (client_secret === undefined) return client
  return { client_id, client_secret, client_secret_expires_at: 0, ...metadata }
}

async function newClient(options: CreateOptions): Promise<NewClient> {
  return {
    client_name: options.name,
    client_id: options.clientId,
    client_secret: options.secretFile && (await readGivenSecret(options.secretFile)),
    token_endpoint_auth_method: options.method,
    grant_types: grantTypes(options),
    scope: options.scope,
    redirect_uris: options.redirectUri,
    resources: options.resource,
    resource_server: options.resourceServer,
    jwks: options.jwks && (await readJson(options.jwks)),
    tls_client_auth_subject_dn: options.tlsSubject,
    tls_client_auth_san_dns: options.tlsSanDns,
    tls_client_auth_san_uri: options.tlsSanUri,
    tls_client_auth_san_ip: options.tlsSanIp,
    tls_client_auth_san_email: options.tlsSanEmail,
    certificate: await readCertificates(options.cert),
    without_certificate: !options.certificate,
  }
}

/** Stored as a fast hash, which protects only what can't be guessed. */
async function readGivenSecret(source: string): Promise<string> {
  const given = await readSecret(source)
  if (given.length < 22) say('the secret is short; one made here has 256 random bits.')
  return given
}

function grantTypes({ grant, refresh }: CreateOptions): string[] | undefined {
  if (grant === undefined) return undefined
  const refreshable = grant.includes('password') || grant.includes('authorization_code')
  return refreshable && refresh ? [...new Set([...grant, 'refresh_token'])] : grant
}

async function readCertificates(files: readonly string[] = []): Promise<Buffer[]> {
  return (await Promise.all(files.map(readClientCertificate))).map(({ der }) => der)
}

async function readJson(file: string) {
  const text = (await readInput(file)).toString()
  try {
    return JSON.parse(text)
  } catch {
    throw new SetupError('This is not JSON.', 'Give a JWK Set: {"keys":[…]}.', { file })
  }
}

function all(value: string, before: string[] = []): string[] {
  return [...before, value]
}
