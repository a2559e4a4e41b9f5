import { Command } from 'commander'
import type { Observed } from '../client/observed'
import type { Store } from '../store/store'
import { withStore } from './deployment'
import { parseDuration } from './duration'
import { printJson, printTable } from './say'

export function observed(): Command {
  return new Command('observed')
    .description('clients that got in only because MandateMutualSSL is "observe"')
    .option('--within <duration>', 'seen in the last: 30d', parseDuration, 30 * 86_400)
    .option('--json', 'as a JSON array')
    .addHelpText('after', '\nExample:\n  mtls-secret observed --within 7d')
    .action((options: { within: number; json?: true }, command: Command) =>
      withStore(command, async (store) => {
        const seen = await store.listObserved(Date.now() - options.within * 1000)
        const rows = await Promise.all(seen.map((one) => withName(store, one)))
        if (options.json) printJson(rows)
        else if (rows.length > 0) printTable(headings, rows.map(cells))
      }),
    )
}

interface Row {
  client_id: string
  client_name: string
  /** Why it would have been refused. */
  reason: string
  /** ISO 8601, like `last`. */
  since: string
  last: string
  times: number
}

const headings = ['CLIENT_ID', 'NAME', 'REASON', 'SINCE', 'LAST', 'TIMES']

function cells({ client_id, client_name, reason, since, last, times }: Row): string[] {
  return [client_id, client_name, reason, since, last, String(times)]
}

async function withName(store: Store, { since, last, ...seen }: Observed): Promise<Row> {
  const client = await store.findClient(seen.client_id)
  return {
    client_id: seen.client_id,
    client_name: client?.client_name ?? '',
    reason: seen.reason,
    since: new Date(since).toISOString(),
    last: new Date(last).toISOString(),
    times: seen.times,
  }
}
