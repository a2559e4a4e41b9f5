/** The page's own administrator, `admin` with the password `admin`, is for one's own machine alone. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthorizationServer, loadDeployment } from '../../lib'
import { sqliteStore } from '../../lib/store'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'administrator-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Starts once on the same database with these settings; what is to be done is done meanwhile. */
async function start(
  toml: string,
  meanwhile?: (server: Awaited<ReturnType<typeof createAuthorizationServer>>) => Promise<unknown>,
): Promise<void> {
  const file = join(folder, 'deployment.toml')
  await writeFile(file, toml)
  const store = sqliteStore(join(folder, 'clients.db'))
  try {
    const server = await createAuthorizationServer({ ...(await loadDeployment(file)), store })
    await meanwhile?.(server)
    await server.close()
  } finally {
    await store.close()
  }
}

const open = '[server]\nhostname = "id.example"\n'
const another = '[super_admin]\npassword = "another one"\n'

test('an account that was made with it is refused once others reach the server', async () => {
  await start('')
  await expect(start(open + another)).rejects.toThrow(
    /deployment\.toml:3: The password of the user "admin" is "admin", .* hostname is "id\.example"\. Run: mtls-secret user set-password admin/,
  )
  await start('', (server) => server.accounts.setPassword('admin', 'a better one'))
  await start(open + another)
})

test('one that is disabled is no way in', async () => {
  await start('', (server) => server.accounts.disable('admin'))
  await start(open + another)
})

test('none is made from a file that says it', async () => {
  await writeFile(join(folder, 'password'), 'admin\n')
  const toml = `${open}[super_admin]\npassword_file = "password"\n`
  await expect(start(toml)).rejects.toThrow(/deployment\.toml:4: .* Write another password/)
  await start('[super_admin]\ncreate_admin_account = false', async ({ accounts }) =>
    expect(await accounts.find('admin')).toBeUndefined(),
  )
})
