/**
 * Processes that the bench starts, each with a log file of its own, and ends: on the way out, on an
 * error, on Ctrl-C. Nothing is left running and no other process is touched.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const running = new Set()

process.on('exit', killAll)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    killAll()
    process.exit(1)
  })
}

/** Starts a program whose output goes to a file, as a supervisor would. */
export function start([command, ...args], { log, env = {}, cwd, ...options }) {
  const file = openSync(log, 'a')
  const from = readFileSync(log).length
  const child = spawn(command, args, {
    ...options,
    cwd,
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', file, file],
  })
  closeSync(file)
  return remember(child, { log, from, started: Date.now() })
}

/** Starts a program that talks with us by messages. */
export function startWithMessages([command, ...args]) {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  return remember(child, { started: Date.now() })
}

/** The first line of its log that tells this event, parsed. Throws when it ends before, or is late. */
export async function waitForEvent(started, event, milliseconds = 30_000) {
  const until = Date.now() + milliseconds
  for (;;) {
    const lines = output(started).split('\n').slice(0, -1)
    const found = lines.find((line) => line.startsWith('{') && line.includes(`"event":"${event}"`))
    if (found !== undefined) return JSON.parse(found)
    if (ended(started) || Date.now() > until) {
      throw new Error(
        `No "${event}" from ${started.child.spawnargs.join(' ')}\n${output(started).slice(-2000)}`,
      )
    }
    await pause(10)
  }
}

export async function stop(started) {
  if (started === undefined || ended(started)) return
  const { child } = started
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 8_000)
  await exit
  clearTimeout(late)
}

function remember(child, facts) {
  const started = { child, ...facts }
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.once('error', (error) => {
    running.delete(child)
    throw error
  })
  return started
}

function output({ log, from }) {
  return readFileSync(log).subarray(from).toString()
}

function ended({ child }) {
  return child.exitCode !== null || child.signalCode !== null
}

function killAll() {
  for (const child of running) child.kill('SIGKILL')
}
