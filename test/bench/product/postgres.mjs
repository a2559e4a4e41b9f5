/**
 * A PostgreSQL for the bench: `BENCH_POSTGRES_URL` (an empty database), or a server of our own in the
 * temporary folder, from the binaries that are installed. PostgreSQL refuses to run as root.
 */
import { execFileSync } from 'node:child_process'
import { chownSync, copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { start, stop } from '../machine/running.mjs'

/** Calls `run({ database, keys })`: its URL, and the folder of the signing key that is not made up. */
export async function withPostgres(world, run) {
  const keys = world.subfolder('postgres-keys')
  copyFileSync(world.signingKeys.ES256, join(keys, 'signing.pem'))
  const given = process.env.BENCH_POSTGRES_URL
  if (given !== undefined) return run({ database: given, keys })

  // A folder outside the world, which nobody but us may enter.
  const folder = mkdtempSync(join(os.tmpdir(), 'mtls-secret-bench-postgres-'))
  const user = process.getuid?.() === 0 ? nobody(folder) : {}
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return runServer(folder, user, (database) => run({ database, keys }))
}

async function runServer(folder, user, run) {
  const programs = findPrograms()
  const data = join(folder, 'data')
  execFileSync(join(programs, 'initdb'), ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8'], {
    ...user,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const port = await freePort()
  const server = start(
    [
      join(programs, 'postgres'),
      ...['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1'],
      ...['-c', `unix_socket_directories=${folder}`],
    ],
    { ...user, log: join(folder, 'log'), cwd: folder },
  )
  try {
    await untilReady(join(programs, 'pg_isready'), port)
    return await run(`postgres://bench@127.0.0.1:${port}/postgres`)
  } finally {
    await stop(server)
  }
}

function nobody(folder) {
  const uid = 65534
  const gid = 65534
  chownSync(folder, uid, gid)
  return { uid, gid }
}

function findPrograms() {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...versions.map((version) => join(root, version, 'bin')), '/usr/local/bin']
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')))
  if (found !== undefined) return found
  throw new Error('No PostgreSQL is installed. Set BENCH_POSTGRES_URL to an empty database.')
}

async function untilReady(program, port) {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      execFileSync(program, ['-h', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
      return
    } catch {
      await pause(100)
    }
  }
  throw new Error('PostgreSQL did not start.')
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}
