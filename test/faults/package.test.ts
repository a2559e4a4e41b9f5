/**
 * F21: a package that is not whole, or that lacks a peer, says so when it is required or its store is
 * opened, and never at the first request.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

let folder: string
const installed = (...path: string[]) => join(folder, 'node_modules', ...path)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packed-'))
  await mkdir(installed())
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as [{ filename: string }]
  execFileSync('tar', ['xzf', join(folder, filename), '-C', folder])
  await rename(join(folder, 'package'), installed('mtls-secret'))
  const { dependencies, peerDependencies } = JSON.parse(
    await readFile(installed('mtls-secret', 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    if (name.includes('/')) await mkdir(installed(name, '..'), { recursive: true })
    await symlink(resolve('node_modules', name), installed(name))
  }
}, 60_000)
afterAll(() => rm(folder, { recursive: true }))

/** What a program in that folder says, and whether it failed. */
function run(code: string, args: readonly string[] = []): { failed: boolean; said: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    // A symbolic link stays where it is, so that nothing is found beside what it points to.
    ['--preserve-symlinks', '--preserve-symlinks-main', ...args, '-e', code],
    { cwd: folder, encoding: 'utf8', env: { ...process.env, NODE_PATH: resolve('node_modules') } },
  )
  return { failed: status !== 0, said: stdout + stderr }
}

/** The same without a package. */
async function without(name: string, code: string, args: readonly string[] = []) {
  await rename(installed(name), installed(`.${name}`))
  try {
    const hook = `const { Module } = require('node:module'); const find = Module._resolveFilename
      Module._resolveFilename = (wanted, ...rest) => {
        if (wanted === '${name}' || wanted.startsWith('${name}/')) {
          throw Object.assign(new Error("Cannot find module '" + wanted + "'"), { code: 'MODULE_NOT_FOUND' })
        }
        return find(wanted, ...rest)
      };`
    return run(hook + code, args)
  } finally {
    await rename(installed(`.${name}`), installed(name))
  }
}

const openStore = (url: string) =>
  `require('mtls-secret/store').openStore('${url}').then((store) => store.close(),
     (error) => { console.log(error.name + ': ' + error.message); process.exitCode = 1 })`

test('F21: whole, it can be required, from each of its entries', () => {
  for (const entry of ['mtls-secret', 'mtls-secret/plugin', 'mtls-secret/store']) {
    expect(run(`require('${entry}')`)).toEqual({ failed: false, said: '' })
  }
  expect(run(openStore('memory:')).failed).toBe(false)
})

test('F21: without Express it fails when it is required, by its name', async () => {
  const { failed, said } = await without('express', `require('mtls-secret'); console.log('on')`)
  expect(failed).toBe(true)
  expect(said).toContain("Cannot find module 'express'")
  expect(said).not.toMatch(/^on$/m)
})

test('F21: without pg it fails when a PostgreSQL store is opened, and says what to install', async () => {
  const { failed, said } = await without('pg', openStore('postgres://localhost/x'))
  expect(failed).toBe(true)
  expect(said.trim()).toBe('SetupError: PostgreSQL needs the package pg. Run npm install pg.')
})

test('F21: without better-sqlite3 a Node that has no SQLite says what to install', async () => {
  const { failed, said } = await without('better-sqlite3', openStore(`sqlite:${folder}/a.db`))
  if (process.getBuiltinModule('node:sqlite') !== undefined) {
    expect(failed).toBe(false)
  } else {
    expect(failed).toBe(true)
    expect(said).toMatch(
      /^SetupError: SQLite needs the package better-sqlite3 on Node 20.*Run npm install better-sqlite3/,
    )
  }
})

test('F21: with any one of its files gone it fails when it is required', async () => {
  const lib = installed('mtls-secret', 'dist', 'lib')
  for (const room of ['server', 'express', 'certificate', 'token']) {
    const [file = ''] = (await readdir(join(lib, room))).filter((name) => name.endsWith('.js'))
    await rename(join(lib, room, file), join(lib, room, `${file}.gone`))
    const { failed, said } = run(`require('mtls-secret'); require('mtls-secret/store')`)
    await rename(join(lib, room, `${file}.gone`), join(lib, room, file))
    if (failed) expect(said).toContain('Cannot find module')
    expect([room, file, failed]).toEqual([room, file, true])
  }
})
