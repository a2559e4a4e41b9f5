import type { Accounts } from './account/accounts'
import { openToOthers } from './config/contradictions'
import { resolveSecret } from './config/secret'
import { SetupError } from './error/setup-error'
import type { CompleteOptions } from './options'

/**
 * The user of `[super_admin]`, made where there is none. The page's own password is known to everybody,
 * so who has it may log in on one's own machine alone: that the file names another one now does not
 * change the password of an account that was made before.
 * Throws `SetupError` where others reach this server and the password is still that one.
 */
export async function createAdministrator(
  accounts: Accounts,
  { super_admin, server, proxy }: Pick<CompleteOptions, 'super_admin' | 'server' | 'proxy'>,
): Promise<void> {
  const { username, create_admin_account } = super_admin
  const open = openToOthers(server, proxy)
  const exists = (await accounts.find(username)) !== undefined
  if (exists) {
    const isKnown = open !== undefined && (await accounts.verify(username, everybodyKnows))
    if (isKnown)
      throw known(username, open.because, `Run: mtls-secret user set-password ${username}`)
  } else if (create_admin_account) {
    const password = await resolveSecret(super_admin, ['super_admin'])
    if (open !== undefined && password === everybodyKnows) {
      throw known(username, open.because, 'Write another password.')
    }
    await create(accounts, username, password)
  }
}

const everybodyKnows = 'admin'

function known(username: string, because: string, fix: string): SetupError {
  return new SetupError(
    `The password of the user "${username}" is "${everybodyKnows}", which everybody knows, and ${because}.`,
    fix,
    { key: ['super_admin'] },
  )
}

async function create(accounts: Accounts, username: string, password = ''): Promise<void> {
  await accounts.create(username, password).catch(async (cause: unknown) => {
    // Another process that starts at the same time was first.
    if ((await accounts.find(username)) === undefined) throw cause
  })
}
