import { Command } from 'commander'
import { copyStore } from '../store/copy'
import { withStore } from './deployment'
import { printJson, say } from './say'

export function db(): Command {
  return new Command('db')
    .description('the database')
    .addCommand(migrate())
    .addCommand(status())
    .addCommand(copy())
}

function migrate(): Command {
  return new Command('migrate')
    .description('create what is absent and bring an older schema up to date')
    .addHelpText('after', '\nExample:\n  mtls-secret db migrate')
    .action(printStatus)
}

function status(): Command {
  return new Command('status')
    .description('the schema and how much is stored')
    .addHelpText('after', '\nExample:\n  mtls-secret db status')
    .action(printStatus)
}

/** Opening a store creates and migrates what it lacks, so both commands only have to tell. */
function printStatus(_options: unknown, command: Command): Promise<void> {
  return withStore(command, async (store) => printJson(await store.status()))
}

function copy(): Command {
  return new Command('copy')
    .description('everything into an empty database, or nothing; needs no configuration')
    .argument('<from-url>', 'sqlite:FILE or postgres://USER@HOST/DATABASE')
    .argument('<to-url>', 'the same, and empty')
    .addHelpText(
      'after',
      '\nExample:\n  mtls-secret db copy sqlite:data/mtls-secret.db postgres://mtls@db.example/mtls',
    )
    .action(async (from: string, to: string) => {
      if ([from, to].some(hasPassword)) {
        say('who lists the processes sees a password in a URL; PGPASSWORD is for that.')
      }
      printJson({ copied: await copyStore(from, to) })
      say('the signing keys are files of [keystore.primary] directory: take that folder along.')
    })
}

function hasPassword(url: string): boolean {
  return URL.canParse(url) && new URL(url).password !== ''
}
