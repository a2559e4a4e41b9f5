/**
 * The two cores of a measurement: servers run on one, the load client on the other, so that the
 * server is what saturates. Where the machine has only one, or no taskset, nothing is pinned and the
 * report says so.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'

export const cores = findCores()

/** The command that runs `argv` on one core, or on both for undefined. */
export function pinned(core, argv) {
  return core === undefined ? argv : ['taskset', '-c', String(core), ...argv]
}

function findCores() {
  const [server, client] = allowedCores()
  if (client === undefined || !hasTaskset()) return { server: undefined, client: undefined }
  return { server, client }
}

function allowedCores() {
  const status = readText('/proc/self/status')
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1]
  if (list === undefined) return os.cpus().map((_, index) => index)
  return list.split(',').flatMap((range) => {
    const [from, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}

function hasTaskset() {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
