/** The machine and the versions, for the head of a report: figures mean nothing without them. */
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { cores } from './cores.mjs'

export function describeMachine() {
  const processor = os.cpus()[0]?.model.trim() ?? 'unknown processor'
  const memory = `${Math.round(os.totalmem() / 1e9)} GB`
  const { node, openssl } = process.versions
  const pinned =
    cores.server === undefined
      ? 'nothing pinned (one core, or no taskset)'
      : `server on core ${cores.server}, load client on core ${cores.client}`
  return {
    date: new Date().toISOString(),
    processor,
    cores: os.availableParallelism(),
    memory,
    node,
    openssl,
    system: `${os.type()} ${os.release()}`,
    load: os.loadavg(),
    packages: versions(),
    sentence: `${processor}, ${os.availableParallelism()} cores, ${memory}, ${os.type()}; Node ${node}, OpenSSL ${openssl}; ${pinned}.`,
  }
}

function versions() {
  const path = fileURLToPath(new URL('../package.json', import.meta.url))
  return JSON.parse(readFileSync(path, 'utf8')).dependencies
}
