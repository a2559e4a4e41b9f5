import type { Accounts } from './account/accounts'
import { openToOthers } from './config/contradictions'
import { located } from './config/located'
import { resolveSecret } from './config/secret'
import { SetupError } from './error/setup-error'
import type { CompleteOptions } from './options'

type Settings = Pick<CompleteOptions, 'super_admin' | 'server' | 'proxy'>

/**
 * The user of `[super_admin]`, made where there is none. The page's own password is known to everybody,
 * so who has it may log in on one's own machine alone: that the file names another one now does not
 * change the password of an account that was made before.
 * Throws `SetupError` where others reach this server and the password is still that one.
 */
export function createAdministrator(
  accounts: Accounts,
  settings: Settings & Pick<CompleteOptions, 'file' | 'locate'>,
): Promise<void> {
  const create = () => createWhereMissing(accounts, settings)
  // Without a file there is no line to tell.
  return settings.file === undefined ? create() : located(settings, create)
}

/** What the account is made with. Throws `SetupError` where that may not be what everybody knows. */
export async function administratorPassword(settings: Settings): Promise<string> {
  const { super_admin, server, proxy } = settings
  const password = await resolveSecret(super_admin, ['super_admin'])
  const open = openToOthers(server, proxy)
  if (open !== undefined && password === everybodyKnows) {
    const source = super_admin.password_env === undefined ? 'password_file' : 'password_env'
    throw known(settings, open.because, 'Write another password.', source)
  }
  return password ?? ''
}

async function createWhereMissing(accounts: Accounts, settings: Settings): Promise<void> {
  const { super_admin, server, proxy } = settings
  const { username, create_admin_account } = super_admin
  if ((await accounts.find(username)) === undefined) {
    if (!create_admin_account) return
    return create(accounts, username, await administratorPassword(settings))
  }
  const open = openToOthers(server, proxy)
  if (open === undefined || (await accounts.verify(username, everybodyKnows)) === undefined) return
  throw known(settings, open.because, `Run: mtls-secret user set-password ${username}`)
}

const everybodyKnows = 'admin'

function known(
  { super_admin: { username } }: Settings,
  because: string,
  fix: string,
  ...key: string[]
): SetupError {
  return new SetupError(
    `The password of the user "${username}" is "${everybodyKnows}", which everybody knows, and ${because}.`,
    fix,
    { key: ['super_admin', ...key] },
  )
}

async function create(accounts: Accounts, username: string, password: string): Promise<void> {
  await accounts.create(username, password).catch(async (cause: unknown) => {
    // Another process that starts at the same time was first.
    if ((await accounts.find(username)) === undefined) throw cause
  })
}
