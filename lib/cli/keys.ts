import { Command } from 'commander'
import type { KeyRecord } from '../token/key-store'
import { rotateKeys } from '../token/keys'
import { withStore } from './deployment'
import { printJson, say } from './say'

export function keys(): Command {
  return new Command('keys')
    .description('the keys that sign tokens')
    .addCommand(list())
    .addCommand(rotate())
}

function list(): Command {
  return new Command('list')
    .description('their ids and ages, and which one signs')
    .addHelpText('after', '\nExample:\n  mtls-secret keys list')
    .action((_options: unknown, command: Command) =>
      withStore(command, async (store) => printKeys(await store.listKeys())),
    )
}

function rotate(): Command {
  return new Command('rotate')
    .description('sign with a new key; the old one stays published for the overlap')
    .addHelpText('after', '\nExample:\n  mtls-secret keys rotate')
    .action((_options: unknown, command: Command) =>
      withStore(command, async (store, { keystore }) => {
        const mayCreate = (await store.status()).store !== 'postgres'
        const { kid } = await rotateKeys({ ...keystore.primary, mayCreate }, store, Date.now())
        printKeys(await store.listKeys())
        say(`The key ${kid} in ${keystore.primary.directory} signs now.`)
      }),
    )
}

function printKeys(records: readonly KeyRecord[]): void {
  const now = Date.now()
  printJson(
    records.map(({ kid, alg, created, replaced, published_until }) => ({
      kid,
      alg,
      created: iso(created),
      age_days: Math.floor((now - created) / 86_400_000),
      signs: replaced === undefined,
      published: published_until === undefined || published_until > now,
      published_until: published_until === undefined ? null : iso(published_until),
    })),
  )
}

function iso(time: number): string {
  return new Date(time).toISOString()
}
