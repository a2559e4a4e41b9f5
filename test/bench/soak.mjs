/**
 * `npm run bench:soak`: one server, a million requests, and what its memory and file descriptors do
 * meanwhile. The first tenth fills caches and is what the rest is compared with. Nothing is pinned, so
 * it may share the machine; requests per second mean nothing here.
 */
import { parseArgs } from 'node:util'
import { describeMachine } from './machine/describe.mjs'
import { memoryNow, openDescriptors, processTree } from './machine/proc.mjs'
import { open } from './participants.mjs'
import { firstTokens } from './run-scenario.mjs'
import { median } from './statistics.mjs'
import { makeWorld } from './world.mjs'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    grant: { type: 'string', default: 'client_credentials' },
    connections: { type: 'string', default: '32' },
  },
})
const requests = Number(values.requests)
const connections = Number(values.connections)
/** MB: what a million requests may leave behind. */
const bound = 30
/** Milliseconds under load between two looks. */
const window = 5_000

const world = makeWorld()
const server = await open(world, { name: 'product', kind: 'product' }, { pin: false })
try {
  const { processor, cores, memory, node } = describeMachine()
  process.stdout.write(
    `${processor}, ${cores} cores, ${memory}; Node ${node}; nothing pinned.\n` +
      `${requests} ${values.grant} requests, ${connections} connections\n`,
  )
  const load = { grant: values.grant, connections, warmUp: 0, window }
  load.tokens =
    values.grant === 'refresh_token' ? await firstTokens(world, server, load) : undefined
  const looks = []
  for (let done = 0; done < requests; ) {
    done += (await server.tell('load', load)).count
    // Load of before has ended with its connections: what is open now is the server's own.
    const look = lookAt(server.pid, done)
    looks.push(look)
    say(look)
  }
  report(looks)
} finally {
  await server.close()
}

function lookAt(pid, done) {
  const pids = processTree(pid)
  return { done, memory: memoryNow(pids), descriptors: openDescriptors(pids) }
}

function say({ done, memory, descriptors }) {
  process.stdout.write(`${done}\t${memory.toFixed(1)} MB\t${descriptors} descriptors\n`)
}

function report(looks) {
  const settled = looks.filter(({ done }) => done >= requests / 10)
  const some = Math.ceil(settled.length / 4)
  const first = settled.slice(0, some)
  const last = settled.slice(-some)
  const growth = middle(last, 'memory') - middle(first, 'memory')
  const descriptors = middle(last, 'descriptors') - middle(first, 'descriptors')
  const met = growth <= bound && descriptors <= 0
  process.stdout.write(
    `growth after the first tenth: ${growth.toFixed(1)} MB (≤ ${bound}), ${descriptors} descriptors (≤ 0): ${met ? 'met' : 'NOT MET'}\n`,
  )
  if (!met) process.exitCode = 1
}

/** Of single looks the garbage collector's last run would decide. */
function middle(looks, name) {
  return median(looks.map((look) => look[name]))
}
