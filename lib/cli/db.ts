import { Command } from 'commander'
import { withStore } from './deployment'
import { printJson } from './say'

export function db(): Command {
  return new Command('db').description('the database').addCommand(migrate()).addCommand(status())
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
