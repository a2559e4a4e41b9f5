import { Command } from 'commander'
import { parseThumbprint } from '../certificate/thumbprint'
import type { Clients } from '../client/clients'
import type { PublicClient } from '../client/metadata'
import { SetupError } from '../error/setup-error'
import { readClientCertificate } from './certificate-file'
import { clientCreate } from './client-create'
import { withDeployment } from './deployment'
import { parseDuration } from './duration'
import { tellingLostAnchors } from './lost-anchors'
import { printJson, printTable } from './say'

export function client(): Command {
  return new Command('client')
    .description('registered clients (WSO2: service providers)')
    .addCommand(clientCreate())
    .addCommand(list())
    .addCommand(show())
    .addCommand(rotateSecret())
    .addCommand(addCertificate())
    .addCommand(removeCertificate())
    .addCommand(plain('disable', 'refuse it from now on', (clients, id) => clients.disable(id)))
    .addCommand(plain('enable', 'let it in again', (clients, id) => clients.enable(id)))
    .addCommand(plain('delete', 'remove it and its tokens', (clients, id) => clients.remove(id)))
}

function list(): Command {
  return new Command('list')
    .description('all clients, oldest first')
    .option('--json', 'as a JSON array')
    .addHelpText('after', '\nExample:\n  mtls-secret client list --json')
    .action((options: { json?: true }, command: Command) =>
      withDeployment(command, async ({ clients }) => {
        const all = await clients.list()
        if (options.json) printJson(all)
        else printTable(headings, all.map(row))
      }),
    )
}

const headings = ['CLIENT_ID', 'NAME', 'METHOD', 'GRANTS', 'CERTIFICATES', 'STATE']

function row(client: PublicClient): string[] {
  return [
    client.client_id,
    client.client_name,
    client.token_endpoint_auth_method,
    client.grant_types.join(' '),
    client.without_certificate ? 'none needed' : String(client.certificates.length),
    client.disabled ? 'disabled' : 'enabled',
  ]
}

function show(): Command {
  return new Command('show')
    .description('one client, without its secrets')
    .argument('<id>', 'its client_id')
    .addHelpText('after', '\nExample:\n  mtls-secret client show 2fjjjsCfTlLqptsj_goJcplgTyka')
    .action(printed((clients, id) => clients.get(id)))
}

function rotateSecret(): Command {
  return new Command('rotate-secret')
    .description('give it a new secret')
    .argument('<id>', 'its client_id')
    .option('--overlap <duration>', 'how long the old one works beside it: 24h', parseDuration, 0)
    .addHelpText(
      'after',
      '\nExample:\n  mtls-secret client rotate-secret 2fjjjsCfTlLqptsj_goJcplgTyka --overlap 24h',
    )
    .action((id: string, options: { overlap: number }, command: Command) =>
      withDeployment(command, async ({ clients }) => {
        const rotated = known(id, await clients.rotateSecret(id, options))
        const { client_id, ...metadata } = rotated.client
        printJson({ client_id, client_secret: rotated.client_secret, ...metadata })
      }),
    )
}

function addCertificate(): Command {
  return new Command('add-cert')
    .description('register one more certificate')
    .argument('<id>', 'its client_id')
    .argument('<file>', 'PEM or DER')
    .addHelpText('after', '\nExample:\n  mtls-secret client add-cert 2fjjj… certs/billing-2027.pem')
    .action(async (id: string, file: string, _options: unknown, command: Command) => {
      const { der } = await readClientCertificate(file)
      await withDeployment(command, (deployment) =>
        tellingLostAnchors(deployment, [file], async () =>
          printJson(known(id, await deployment.clients.addCertificate(id, der))),
        ),
      )
    })
}

function removeCertificate(): Command {
  return new Command('remove-cert')
    .description('take a certificate away; without any the client is locked')
    .argument('<id>', 'its client_id')
    .argument('<thumbprint>', 'as client show prints it, or the SHA-256 in hex')
    .addHelpText('after', '\nExample:\n  mtls-secret client remove-cert 2fjjj… ungWv48Bz-pBQUDe…')
    .action((id: string, text: string, _options: unknown, command: Command) => {
      const thumbprint = parseThumbprint(text)
      if (thumbprint === undefined) command.error('the thumbprint is no SHA-256 of a certificate.')
      return printed((clients) => clients.removeCertificate(id, thumbprint))(id, {}, command)
    })
}

type Change = (clients: Clients, id: string) => Promise<PublicClient | undefined>

function plain(verb: string, description: string, change: Change): Command {
  return new Command(verb)
    .description(description)
    .argument('<id>', 'its client_id')
    .addHelpText('after', `\nExample:\n  mtls-secret client ${verb} 2fjjjsCfTlLqptsj_goJcplgTyka`)
    .action(printed(change))
}

function printed(change: Change) {
  return (id: string, _options: unknown, command: Command) =>
    withDeployment(command, async ({ clients }) => printJson(known(id, await change(clients, id))))
}

function known<T>(id: string, found: T | undefined): T {
  if (found !== undefined) return found
  throw new SetupError(`There is no client ${id}.`, 'See "mtls-secret client list".')
}
