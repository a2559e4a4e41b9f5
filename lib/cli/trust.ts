import { Command } from 'commander'
import type { Certificate } from '../certificate/certificate'
import { openTrust, type Trust } from '../certificate/trust'
import type { DeploymentSettings } from '../config/deployment'
import { located } from '../config/located'
import type { Store } from '../store/store'
import { certificateFacts } from './certificate-file'
import { withStore } from './deployment'
import { readSecret } from './input'
import { printJson, say } from './say'

export function trust(): Command {
  return new Command('trust')
    .description('the truststore: whose certificates are believed by their chain')
    .addCommand(list())
    .addCommand(check())
}

function list(): Command {
  return new Command('list')
    .description('the CAs of the truststore, and what in it is refused and why')
    .addHelpText('after', '\nExample:\n  mtls-secret trust list')
    .action((_options: unknown, command: Command) =>
      withStore(command, async (store, settings) => {
        if (settings.truststore === undefined) {
          say('there is no [truststore]: only registered certificates are believed.')
        }
        printTrust(await trustOf(store, settings))
      }),
    )
}

function check(): Command {
  return new Command('check')
    .description('the same for a file that is to become the truststore')
    .argument('<file>', 'PEM, JKS or PKCS12')
    .option('--password-file <file>', 'the password of a keystore; - reads it from stdin')
    .addHelpText('after', '\nExample:\n  mtls-secret trust check new-truststore.pem')
    .action(async (file: string, options: { passwordFile?: string }, command: Command) => {
      const password =
        options.passwordFile === undefined
          ? {}
          : { password: await readSecret(options.passwordFile) }
      await withStore(command, async (store, settings) =>
        printTrust(await opened(store, { ...settings.truststore, ...password, file_name: file })),
      )
    })
}

/** The deployment's trust set, as the server sees it: what is registered for a client is no anchor. */
export function trustOf(store: Store, settings: DeploymentSettings): Promise<Trust> {
  return located(settings, () => opened(store, settings.truststore))
}

async function opened(store: Store, settings: Parameters<typeof openTrust>[0]): Promise<Trust> {
  const trust = await openTrust(settings)
  trust.setRegistered(new Set(await store.registeredAmong([...trust.set.entries])))
  return trust
}

function printTrust({ anchors, refused, set }: Trust): void {
  printJson({
    anchors: anchors.map(authority),
    intermediates: set.authorities.intermediates.map(authority),
    refused,
  })
}

function authority(certificate: Certificate) {
  const { subject, not_after, thumbprint, sha256 } = certificateFacts(certificate)
  return { subject, not_after, thumbprint, sha256 }
}
