import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A PostgreSQL of the test's own, on loopback, that is gone afterwards. */
export interface TestPostgres {
  url: string
  /** The URL of a new and empty database in it. */
  createDatabase(): Promise<string>
  /** Ends it at once, as a crash would, and `start` brings it back with what was committed. */
  crash(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * For suites that need one: passed over, and loudly so, where PostgreSQL is not installed. With
 * CI=true that is a failure, so that nobody believes in a suite that did not run.
 */
export function describeWithPostgres(name: string, suite: () => void): void {
  const missing = 'PostgreSQL is not installed (apt-get install postgresql).'
  if (newestBin() !== undefined) {
    describe(name, suite)
  } else if (process.env.CI === 'true') {
    test(name, () => Promise.reject(new Error(missing)))
  } else {
    process.stderr.write(`\n*** ${missing} "${name}" did not run. ***\n\n`)
    describe.skip(name, suite)
  }
}

/** Half a second from nothing to ready. */
export async function startPostgres(): Promise<TestPostgres> {
  const bin = newestBin()
  if (bin === undefined)
    throw new Error('PostgreSQL is not installed (apt-get install postgresql).')
  const dir = await mkdtemp(join(tmpdir(), 'postgres-'))
  const owner = await giveAway(dir)
  const run = (program: string, args: string[]) => asOwner(owner, dir, join(bin, program), args)
  const port = await freePort()
  const data = join(dir, 'data')
  const start = async () => {
    const options = `-F -k ${dir} -h 127.0.0.1 -p ${port}`
    await run('pg_ctl', ['-D', data, '-l', join(dir, 'log'), '-w', '-o', options, 'start'])
  }
  await run('initdb', ['-D', data, '-A', 'trust', '-U', 'tester', '--no-sync', '-E', 'UTF8'])
  await start()

  let databases = 0
  const urlOf = (database: string) => `postgres://tester@127.0.0.1:${port}/${database}`
  return {
    url: urlOf('postgres'),
    async createDatabase() {
      const database = `test_${++databases}`
      const at = ['-h', '127.0.0.1', '-p', String(port), '-U', 'tester']
      await run('createdb', [...at, database])
      return urlOf(database)
    },
    crash: () => run('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']),
    start,
    async stop() {
      await run('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']).catch(() => {})
      await rm(dir, { recursive: true, force: true })
    },
  }
}

interface Owner {
  uid: string
  gid: string
}

/** PostgreSQL refuses to run as root; then the folder, and the server, are those of `postgres`. */
async function giveAway(dir: string): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) =>
    spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout.trim()
  const owner = { uid: id('-u') || '65534', gid: id('-g') || '65534' }
  await chown(dir, Number(owner.uid), Number(owner.gid))
  return owner
}

async function asOwner(owner: Owner | undefined, cwd: string, program: string, args: string[]) {
  const demoted = owner
    ? ['--reuid', owner.uid, '--regid', owner.gid, '--clear-groups', program, ...args]
    : undefined
  // pg_ctl leaves the server with our pipes, which would never be closed.
  const options = { cwd, stdio: 'ignore' as const }
  await (demoted
    ? promisify(execFile)('setpriv', demoted, options)
    : promisify(execFile)(program, args, options))
}

function newestBin(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root) : []
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')))
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
