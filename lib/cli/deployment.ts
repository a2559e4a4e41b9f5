import { dirname } from 'node:path'
import type { Command } from 'commander'
import { type Accounts, openAccounts } from '../account/accounts'
import { type Clients, openClients } from '../client/clients'
import type { DeploymentSettings } from '../config/deployment'
import { loadSettings } from '../config/load-settings'
import { located } from '../config/located'
import { resolveDatabaseUrl } from '../config/secret'
import { openStore } from '../store/open'
import type { Store } from '../store/store'

/** What most commands work on. */
export interface Deployment {
  settings: DeploymentSettings
  store: Store
  clients: Clients
  accounts: Accounts
}

/** The file that `--config`, `MTLS_SECRET_CONFIG` or the default names. */
export function configOf(command: Command): string {
  return command.optsWithGlobals<{ config: string }>().config
}

/** Opens the deployment's store, gives it to `work`, and closes it whatever happens. */
export async function withStore<T>(
  command: Command,
  work: (store: Store, settings: DeploymentSettings) => Promise<T>,
): Promise<T> {
  const settings = await loadSettings(configOf(command))
  const store = await storeOf(settings)
  try {
    return await work(store, settings)
  } finally {
    await store.close()
  }
}

/** The same with the clients and accounts in it. */
export function withDeployment<T>(
  command: Command,
  work: (deployment: Deployment) => Promise<T>,
): Promise<T> {
  return withStore(command, (store, settings) =>
    work({
      settings,
      store,
      clients: openClients(store, Date),
      accounts: openAccounts(store, Date),
    }),
  )
}

function storeOf(settings: DeploymentSettings): Promise<Store> {
  const open = () => {
    const url = resolveDatabaseUrl(settings.database, dirname(settings.file))
    return openStore(url, { synchronous: settings.database.synchronous })
  }
  const { url_env } = settings.database
  return located(settings, open, ['database', url_env === undefined ? 'url' : 'url_env'])
}
