import { Command } from 'commander'
import { loadDeployment } from '../load-deployment'
import { composeChain } from '../plugin/chain'
import { describeLink } from '../plugin/registry'
import { configOf } from './deployment'
import { print } from './say'

export function config(): Command {
  return new Command('config').description('deployment.toml').addCommand(check())
}

function check(): Command {
  return new Command('check')
    .description('the handlers in their order, or what is wrong and where')
    .argument('[file]', 'instead of --config')
    .addHelpText('after', '\nExample:\n  mtls-secret config check deployment.toml')
    .action(async (file: string | undefined, _options: unknown, command: Command) => {
      const { plugins, event_listener } = await loadDeployment(file ?? configOf(command))
      for (const link of composeChain(plugins, event_listener)) print(describeLink(link))
    })
}
