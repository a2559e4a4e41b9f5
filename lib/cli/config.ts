import { Command } from 'commander'
import { standardPlugins } from '../../plugins'
import { importWso2 } from '../config/import-wso2'
import { explainDeployment } from '../explain-deployment'
import { nameAliases, typeAliases } from '../plugin/aliases'
import { configOf } from './deployment'
import { explanationJson, printExplanation } from './explanation'
import { secret, writeNewFiles } from './new-file'
import { print, printJson, say } from './say'

export function config(): Command {
  return new Command('config')
    .description('deployment.toml')
    .addCommand(check())
    .addCommand(importCommand())
}

function check(): Command {
  return new Command('check')
    .description('what the chain asks of whom, what is insecure, or what is wrong and where')
    .argument('[file]', 'instead of --config')
    .option('--json', 'as a JSON object')
    .addHelpText('after', '\nExample:\n  mtls-secret config check deployment.toml')
    .action(async (file: string | undefined, options: { json?: true }, command: Command) => {
      const explained = await explainDeployment(file ?? configOf(command))
      if (options.json) printJson(explanationJson(explained))
      else printExplanation(explained)
    })
}

function importCommand(): Command {
  return new Command('import')
    .description("WSO2's deployment.toml (or identity.xml) as ours; each key told on stderr")
    .argument('<file>', 'in <IS_HOME>/repository/conf, so that its stores are found')
    .option('--out <file>', 'into a new file that only you can read')
    .addHelpText(
      'after',
      '\nExample:\n  mtls-secret config import repository/conf/deployment.toml --out deployment.toml',
    )
    .action(async (file: string, { out }: { out?: string }) => {
      const { toml, report, warnings } = await importWso2(file, {
        names: nameAliases,
        types: typeAliases,
        handlers: standardPlugins,
      })
      if (out === undefined) print(toml.trimEnd())
      else await writeNewFiles([{ path: out, mode: secret, content: toml }])
      for (const { key, outcome, reason } of report) say(`${outcome}: ${key}: ${reason}`)
      for (const warning of warnings) say(`warning: ${warning}`)
    })
}
