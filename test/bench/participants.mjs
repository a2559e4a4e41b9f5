/**
 * Who takes part: the floor, the peers and the product, each started as a process of its own that logs
 * to a file. A participant is a name for the table and the settings of its server.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cores, pinned } from './machine/cores.mjs'
import { start, startWithMessages, stop, waitForEvent } from './machine/running.mjs'
import { prepareProduct, productCommand } from './product/product.mjs'

/** Starts a server and its load client; the two are pinned to one core each unless told otherwise. */
export async function open(world, participant, { pin = true, awake = true, preload } = {}) {
  opened += 1
  const folder = world.subfolder(`${participant.name.replace(/\W+/g, '-')}-${opened}`)
  const { command, env, files } = await commandOf(world, participant, folder)
  const started = start(pinned(pin ? cores.server : undefined, withPreload(command, preload)), {
    log: `${folder}/log`,
    env,
    cwd: folder,
  })
  const { url, refresh_tokens, time } = await waitForEvent(started, 'server.listening', 60_000)
  const client = startWithMessages(
    pinned(pin ? cores.client : undefined, [process.execPath, script('load/load-client.mjs')]),
  )
  client.child.send({
    name: 'settings',
    value: {
      host: '127.0.0.1',
      port: Number(new URL(url).port),
      pid: started.child.pid,
      ca: world.ca,
      identities: world.identities,
      scope: world.scope,
      awake: awake && pin && cores.client !== undefined,
      crowd: participant.crowd,
    },
  })
  return {
    participant,
    url,
    pid: started.child.pid,
    folder: files ?? folder,
    /** Milliseconds from the start of the process until it said that it listens. */
    startTime: new Date(time).getTime() - started.started,
    refresh_tokens,
    signal: (name) => started.child.kill(name),
    tell: (name, value) => tell(client.child, name, value),
    async close() {
      await stop(client)
      await stop(started)
    },
  }
}

let opened = 0

async function commandOf(world, participant, folder) {
  const { name: _, kind, ...settings } = participant
  if (kind === 'product') {
    const files = await prepareProduct(world, settings)
    return { command: productCommand(files), files }
  }
  const { identities, scope, ca, server } = world
  const alg = settings.alg ?? 'ES256'
  const signingKey = world.signingKeys[alg]
  const value = { ...settings, alg, identities, scope, ca, server, signingKey, folder }
  writeFileSync(`${folder}/settings.json`, JSON.stringify(value))
  return {
    command: [process.execPath, script(`servers/${kind}.mjs`), `${folder}/settings.json`],
  }
}

function withPreload([node, ...args], preload) {
  return preload === undefined ? [node, ...args] : [node, '--require', preload, ...args]
}

/** One message to the load client, and its answer. */
function tell(child, name, value) {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error('the load client ended'))
    child.once('exit', gone)
    child.once('message', (answer) => {
      child.off('exit', gone)
      if (answer.error === undefined) resolve(answer.value)
      else reject(Object.assign(new Error(answer.error), { status: answer.status }))
    })
    child.send({ name, value })
  })
}

function script(path) {
  return fileURLToPath(new URL(path, import.meta.url))
}
