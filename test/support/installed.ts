import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Running, start } from './process'

/** A copy of the built project in a folder of its own, as after `npm ci && npm run build`. */
export interface Installed {
  folder: string
  file(...path: string[]): string
  read(...path: string[]): Promise<string>
  write(path: string, content: string): Promise<void>
  /** The program of `npm start`. */
  start(args?: readonly string[], options?: { cwd?: string }): Running
  remove(): Promise<void>
}

export async function installed(): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), 'installed '))
  const file = (...path: string[]) => join(folder, ...path)
  await cp('dist', file('dist'), { recursive: true })
  await cp('sample-app', file('sample-app'), { recursive: true })
  await cp('package.json', file('package.json'))
  await symlink(resolve('node_modules'), file('node_modules'))
  // Tests run side by side.
  const settings = await readFile(file('sample-app/deployment.toml'), 'utf8')
  await writeFile(file('sample-app/deployment.toml'), settings.replace('port = 9443', 'port = 0'))
  const program = file('dist/sample-app/authorization-server.js')
  return {
    folder,
    file,
    read: (...path) => readFile(file(...path), 'utf8'),
    async write(path, content) {
      await mkdir(dirname(file(path)), { recursive: true })
      await writeFile(file(path), content)
    },
    start: (args = [], options = {}) => start([program, ...args], options),
    remove: () => rm(folder, { recursive: true }),
  }
}
