/**
 * The load client: a process of its own on the second core, one for each server, driven by messages.
 * Closed loop: each connection asks again as soon as it is answered. Every answer is checked: 200, a
 * Bearer token of three parts, with rotation a refresh token that is not the old one. One wrong answer
 * and the measurement is void.
 *
 * It reads the kernel's account of the server's CPU itself, at the very ends of its window.
 *
 * On a core of its own it never sleeps (`awake`). Waking a process on an idle core costs the one who wakes
 * it, with a hypervisor between, 15 to 35 µs in the middle of its answer: a price of the machine that the
 * slower of two servers pays more often, since its client idles more.
 */
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { cpuTime, machineTime, processTree } from '../machine/proc.mjs'
import { openConnection } from './connection.mjs'
import { requestText, tokenRequests } from './requests.mjs'

const commands = { ask, load }
let settings
let slots = []

process.on('disconnect', () => process.exit())
process.on('message', async ({ name, value }) => {
  if (name === 'settings') {
    settings = readSettings(value)
    return
  }
  try {
    process.send({ value: await commands[name](value) })
  } catch (error) {
    process.send({ error: error.message, status: error.status })
  }
})

/** One request on a connection of its own; the answer, parsed. */
function ask({ identity = 0, parameters, path = '/oauth2/token', method = 'POST' }) {
  const connection = openConnection(targetOf(settings.identities[identity]))
  const text = requestText({ ...settings, method, path, parameters, close: true })
  return new Promise((resolve, reject) => {
    connection.ask(text, (error, body) => {
      connection.close()
      if (error === undefined) resolve(JSON.parse(body))
      else reject(error)
    })
  })
}

/**
 * Load by `connections` at a time for `warmUp` and then `window` milliseconds; the figures of the
 * window. `fresh`: a new connection for each request. Slots, and with them refresh tokens, live on from
 * one round to the next.
 */
async function load({ connections, fresh, grant, tokens, seed, warmUp, window }) {
  if (slots.length === 0) slots = makeSlots({ connections, fresh, grant, tokens, seed })
  const latencies = []
  const state = {
    counting: false,
    stopping: false,
    error: undefined,
    latencies,
    answers: 0,
    idle: 0,
  }
  const loops = slots.map((slot) => loop(slot, fresh, state))
  if (settings.awake) stayAwake(state)
  const failed = Promise.race(loops.map((each) => each.then(() => state.error)))

  await Promise.race([sleep(warmUp), failed])
  const processes = processTree(settings.pid)
  const before = snapshot(processes)
  state.counting = true
  state.idle = 0
  await Promise.race([sleep(window), failed])
  state.counting = false
  const after = snapshot(processes)
  const { idle } = state
  state.stopping = true
  await Promise.all(loops)
  for (const slot of slots) {
    slot.connection?.close()
    slot.connection = undefined
  }
  if (state.error !== undefined) throw state.error
  return figures(before, after, latencies, idle)
}

function makeSlots({ connections, fresh, grant, tokens, seed }) {
  return Array.from({ length: connections }, (_, index) => {
    // The crowd shares the certificate and the secret of the first.
    const of = grant === 'any_client' ? 0 : index % settings.identities.length
    const identity = settings.identities[of]
    return {
      target: targetOf(identity),
      connection: undefined,
      requests: tokenRequests[grant]({
        ...settings,
        identity,
        close: fresh,
        token: tokens?.[index],
        seed: seed === undefined ? undefined : seed + index,
      }),
    }
  })
}

/** Asks the kernel again and again instead of waiting; turns that brought no answer are no work. */
function stayAwake(state) {
  let answers = state.answers
  let last = performance.now()
  turn()

  function turn() {
    if (state.stopping) return
    const now = performance.now()
    if (state.answers === answers) state.idle += now - last
    answers = state.answers
    last = now
    setImmediate(turn)
  }
}

function loop(slot, fresh, state) {
  return new Promise((resolve) => {
    next()

    function next() {
      if (state.stopping) return resolve()
      const started = performance.now()
      slot.connection ??= openConnection(slot.target)
      slot.connection.ask(slot.requests.next(), (error, body) => {
        state.answers += 1
        if (state.counting) state.latencies.push(performance.now() - started)
        const wrong = error ?? check(slot, body)
        if (wrong !== undefined) {
          state.error ??= wrong
          state.stopping = true
          return resolve()
        }
        if (fresh || !slot.connection.reusable) {
          slot.connection.close()
          slot.connection = undefined
        }
        next()
      })
    }
  })
}

function check(slot, body) {
  const answer = JSON.parse(body)
  const { access_token, token_type } = answer
  if (token_type !== 'Bearer' || typeof access_token !== 'string' || !isJwt(access_token)) {
    return new Error(`not a Bearer token: ${body}`)
  }
  return slot.requests.answered(answer)
}

function isJwt(text) {
  const first = text.indexOf('.')
  const second = text.indexOf('.', first + 1)
  return first > 0 && second > first + 1 && second < text.length - 1
}

function snapshot(processes) {
  return {
    at: performance.now(),
    server: cpuTime(processes),
    client: process.cpuUsage(),
    machine: machineTime(),
  }
}

function figures(before, after, latencies, idle) {
  const microseconds = (after.at - before.at) * 1000
  const count = latencies.length
  const server = after.server - before.server
  const client = after.client.user + after.client.system - before.client.user - before.client.system
  const machine = after.machine - before.machine
  const sorted = Float64Array.from(latencies).sort()
  return {
    count,
    rate: (count / microseconds) * 1e6,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    cpu: server / count,
    serverBusy: server / microseconds,
    clientBusy: Math.max(0, client - idle * 1000) / microseconds,
    // What neither of us used: other work on the machine, which makes the figures worse than they are.
    foreignBusy: Math.max(0, machine - server - client) / microseconds,
  }
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

function readSettings({ ca, identities, ...rest }) {
  const trust = readFileSync(ca)
  return {
    ...rest,
    identities: identities.map((identity) => ({
      ...identity,
      secureContext: createSecureContext({
        ca: trust,
        cert: readFileSync(identity.chain),
        key: readFileSync(identity.key),
      }),
    })),
  }
}

function targetOf({ secureContext }) {
  return { host: settings.host, port: settings.port, secureContext }
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
