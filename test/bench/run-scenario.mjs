/**
 * One suite: all its servers are started, proven to do the same work, then run in turn, forward,
 * backward, forward, so that whatever the machine does hits all of them. Figures are medians.
 */
import { peakMemory, processTree } from './machine/proc.mjs'
import { open } from './participants.mjs'
import { withPostgres } from './product/postgres.mjs'
import { proveSameWork } from './same-work.mjs'
import { median, spread } from './statistics.mjs'

/** Seconds; the first round warms the compiler up, the others the caches. */
export const fullPace = { rounds: 15, firstWarmUp: 6, warmUp: 0.4, window: 0.8 }
export const quickPace = { rounds: 3, firstWarmUp: 1.5, warmUp: 0.3, window: 0.8 }

export async function runScenario(world, scenario, pace, say = () => {}) {
  const run = scenario.starts === undefined ? runLoad : runStarts
  const rows = await (scenario.postgres
    ? withPostgres(world, (database) => run(world, onDatabase(scenario, database), pace, say))
    : run(world, scenario, pace, say))
  return { name: scenario.name, title: scenario.title, rows, targets: judge(scenario, rows) }
}

function onDatabase(scenario, database) {
  const participants = scenario.participants.map(({ postgres, ...participant }) =>
    postgres ? { ...participant, ...database } : participant,
  )
  return { ...scenario, participants }
}

async function runLoad(world, { participants, load, pin, postgres }, pace, say) {
  const servers = []
  try {
    for (const participant of participants) {
      say(`starting ${participant.name}`)
      // Its core is PostgreSQL's, too.
      const server = await open(world, participant, { pin, awake: !postgres })
      servers.push(server)
      await proveSameWork(world, server)
      server.tokens = load.grant === 'refresh_token' ? await firstTokens(world, server, load) : []
      server.rounds = []
    }
    for (let round = 0; round < pace.rounds; round++) {
      const order = round % 2 === 0 ? servers : [...servers].reverse()
      for (const server of order) {
        say(`round ${round + 1}: ${server.participant.name}`)
        server.rounds.push(
          await server.tell('load', {
            ...load,
            tokens: server.tokens,
            warmUp: 1000 * (round === 0 ? pace.firstWarmUp : pace.warmUp),
            window: 1000 * pace.window,
          }),
        )
      }
    }
    return servers.map(({ participant, pid, rounds }) => ({
      server: participant.name,
      ...medians(rounds),
      memory: peakMemory(processTree(pid)),
      rounds,
    }))
  } finally {
    await Promise.all(servers.map((server) => server.close()))
  }
}

/** A server that does not give refresh tokens out by itself is asked for them as a user would ask. */
export async function firstTokens(world, { refresh_tokens, tell }, { connections }) {
  if (refresh_tokens !== undefined) return refresh_tokens.slice(0, connections)
  const tokens = []
  for (let index = 0; index < connections; index++) {
    const identity = index % world.identities.length
    const { client_id, client_secret } = world.identities[identity]
    const { refresh_token } = await tell('ask', {
      identity,
      parameters: {
        grant_type: 'password',
        username: 'admin',
        password: 'admin',
        client_id,
        client_secret,
      },
    })
    tokens.push(refresh_token)
  }
  return tokens
}

async function runStarts(world, { participants, starts }, { rounds }, say) {
  const rows = participants.map(({ name }) => ({ server: name, times: [] }))
  // The first start of each is the cold one: it makes what is missing and fills the file cache.
  for (let round = 0; round <= Math.max(starts, rounds); round++) {
    for (const [index, participant] of participants.entries()) {
      say(`start ${round}: ${participant.name}`)
      const server = await open(world, participant, { pin: false })
      rows[index].times.push(server.startTime)
      await server.close()
    }
  }
  return rows.map(({ server, times: [cold, ...warm] }) => ({
    server,
    cold,
    start: median(warm),
    spread: spread(warm),
    rounds: warm,
  }))
}

function judge({ targets }, rows) {
  const row = (name) => rows.find(({ server }) => server === name)
  return targets.map(({ measure, sign, bound, value: measured }) => {
    const { value, note } = measured(row)
    return {
      measure,
      sign,
      bound,
      value,
      note,
      met: sign === '≥' ? value >= bound : value <= bound,
    }
  })
}

function medians(rounds) {
  const figure = (name) => median(rounds.map((round) => round[name]))
  return {
    rate: figure('rate'),
    p50: figure('p50'),
    p99: figure('p99'),
    cpu: figure('cpu'),
    serverBusy: figure('serverBusy'),
    clientBusy: figure('clientBusy'),
    foreignBusy: figure('foreignBusy'),
    spread: spread(rounds.map(({ rate }) => rate)),
  }
}
