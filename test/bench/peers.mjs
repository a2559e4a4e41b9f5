/** The peers are installed on the first run, as the lock file beside this one says. */
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))

export function installPeers(say) {
  const wanted = Math.max(modified('package-lock.json'), modified('package.json'))
  if (modified('node_modules/.package-lock.json') >= wanted) return
  say('installing the peers (npm ci in test/bench)')
  execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: folder, stdio: ['ignore', 2, 2] })
}

function modified(name) {
  return statSync(folder + name, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
