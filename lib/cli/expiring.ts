import { Command } from 'commander'
import type { PublicClient } from '../client/metadata'
import type { DeploymentSettings } from '../config/deployment'
import { SetupError } from '../error/setup-error'
import { readServerCertificate } from '../service/server-certificate'
import { withDeployment } from './deployment'
import { parseDuration } from './duration'
import { printJson, printTable, say } from './say'
import { trustOf } from './trust'

/** Something that ends, and when. */
interface Ending {
  kind: 'client_certificate' | 'client_secret' | 'server_certificate' | 'ca_certificate'
  client_id?: string
  /** The client's name, the CA's subject or the file. */
  name: string
  thumbprint?: string
  /** ISO 8601 */
  ends: string
}

export function expiring(): Command {
  return new Command('expiring')
    .description('what ends soon: certificates and secrets; exit status 1 when there is any')
    .option('--within <duration>', 'how soon: 30d', parseDuration, 30 * 86_400)
    .option('--json', 'as a JSON array')
    .addHelpText('after', '\nExample:\n  mtls-secret expiring --within 30d')
    .action((options: { within: number; json?: true }, command: Command) =>
      withDeployment(command, async ({ settings, store, clients }) => {
        const until = new Date(Date.now() + options.within * 1000).toISOString()
        const endings = [
          ...(await clients.list()).flatMap(endingsOf),
          ...(await serverCertificate(settings)),
          ...(await trustOf(store, settings)).anchors.map(
            ({ subject, thumbprint, notAfter }): Ending => ({
              kind: 'ca_certificate',
              name: subject,
              thumbprint,
              ends: iso(notAfter),
            }),
          ),
        ].filter(({ ends }) => ends <= until)
        endings.sort((a, b) => a.ends.localeCompare(b.ends))
        if (options.json) printJson(endings)
        else if (endings.length > 0) printTable(headings, endings.map(row))
        if (endings.length > 0) process.exitCode = 1
      }),
    )
}

const headings = ['ENDS', 'WHAT', 'NAME', 'CLIENT_ID']

function row({ ends, kind, name, client_id = '' }: Ending): string[] {
  return [ends, kind.replace('_', ' '), name, client_id]
}

/** A disabled client waits for nothing; a secret that has ended was replaced by the one beside it. */
function endingsOf({ disabled, client_id, client_name: name, ...client }: PublicClient): Ending[] {
  if (disabled) return []
  const now = iso(Date.now())
  return [
    ...client.certificates.map(
      ({ thumbprint, not_after: ends }): Ending => ({
        kind: 'client_certificate',
        client_id,
        name,
        thumbprint,
        ends,
      }),
    ),
    ...client.secrets.flatMap(({ expires: ends }): Ending[] =>
      ends !== null && ends > now ? [{ kind: 'client_secret', client_id, name, ends }] : [],
    ),
  ]
}

async function serverCertificate(settings: DeploymentSettings): Promise<Ending[]> {
  try {
    const { notAfter } = await readServerCertificate(settings)
    const name = settings.keystore.tls.file_name
    return [{ kind: 'server_certificate', name, ends: iso(notAfter) }]
  } catch (error) {
    // The server itself refuses to start on this; here everything else still counts.
    if (!(error instanceof SetupError)) throw error
    say(error.message)
    return []
  }
}

function iso(time: number): string {
  return new Date(time).toISOString()
}
