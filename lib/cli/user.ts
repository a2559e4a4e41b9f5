import { Command } from 'commander'
import type { AccountFacts, Accounts } from '../account/accounts'
import { withDeployment } from './deployment'
import { readPassword } from './input'
import { printJson } from './say'

export function user(): Command {
  return new Command('user')
    .description('end users, for the password and authorization_code grants')
    .addCommand(
      withPassword('create', 'create a user; the password comes from stdin', (accounts, ...user) =>
        accounts.create(...user),
      ),
    )
    .addCommand(
      withPassword(
        'set-password',
        "change a password, from stdin, and revoke the user's grants",
        (accounts, ...user) => accounts.setPassword(...user),
      ),
    )
    .addCommand(disable())
}

type Change = (accounts: Accounts, username: string, password: string) => Promise<AccountFacts>

function withPassword(verb: string, description: string, change: Change): Command {
  return new Command(verb)
    .description(description)
    .argument('<name>', 'user name')
    .addHelpText('after', `\nExample:\n  mtls-secret user ${verb} alice < password.txt`)
    .action(async (name: string, _options: unknown, command: Command) => {
      const password = await readPassword()
      await withDeployment(command, async ({ accounts }) =>
        printUser(await change(accounts, name, password)),
      )
    })
}

function disable(): Command {
  return new Command('disable')
    .description('refuse a user from now on, and revoke the grants')
    .argument('<name>', 'user name')
    .addHelpText('after', '\nExample:\n  mtls-secret user disable alice')
    .action((name: string, _options: unknown, command: Command) =>
      withDeployment(command, async ({ accounts }) => printUser(await accounts.disable(name))),
    )
}

function printUser({ account_id, username, disabled, created }: AccountFacts): void {
  printJson({ account_id, username, disabled, created: new Date(created).toISOString() })
}
