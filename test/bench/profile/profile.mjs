/**
 * `npm run bench -- --profile`: the product alone, under load and V8's profiler. Where its time goes:
 * by package, by file of ours, by function of ours.
 */
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { open } from '../participants.mjs'
import { firstTokens } from '../run-scenario.mjs'
import { selfTimes, sums } from './shares.mjs'

const hook = fileURLToPath(new URL('hook.cjs', import.meta.url))

export async function profile(world, { title, load, participants }, { firstWarmUp, window }, say) {
  const participant = participants.find(({ kind }) => kind === 'product')
  process.env.BENCH_PROFILE = `${world.folder}/product.cpuprofile`
  const server = await open(world, participant, { preload: hook })
  try {
    const tokens = load.grant === 'refresh_token' ? await firstTokens(world, server, load) : []
    say('warming up')
    const run = { ...load, tokens }
    await server.tell('load', { ...run, warmUp: 2000 * firstWarmUp, window: 500 })
    say('profiling')
    server.signal('SIGUSR2')
    const figures = await server.tell('load', { ...run, warmUp: 0, window: 2000 * window })
    server.signal('SIGUSR2')
    const text = await readWhenWritten(process.env.BENCH_PROFILE)
    say('')
    print(title, JSON.parse(text), figures)
  } finally {
    await server.close()
  }
}

async function readWhenWritten(path) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    if (text.endsWith('}')) return text
    await pause(50)
  }
  throw new Error('The server wrote no profile.')
}

/** The profile gives shares; what a request costs is the kernel's account, which waiting does not spoil. */
function print(title, profiled, { rate, cpu }) {
  const times = selfTimes(profiled)
  const total = times.reduce((sum, { microseconds }) => sum + microseconds, 0)
  const table = (head, entries) => {
    process.stdout.write(`\n| ${head} | share | µs per request |\n|---|---|---|\n`)
    for (const [key, spent] of entries) {
      const share = spent / total
      process.stdout.write(
        `| ${key} | ${(100 * share).toFixed(1)}% | ${(share * cpu).toFixed(2)} |\n`,
      )
    }
  }
  const ours = times.filter(({ place }) => place === 'mtls-secret')
  process.stdout.write(
    `${title}: ${rate.toFixed(0)} req/s, ${cpu.toFixed(0)} µs of CPU each under the profiler\n`,
  )
  table('where (self time)', sums(times, ({ place }) => place).slice(0, 24))
  table('file of ours', sums(ours, ({ file: own }) => own).slice(0, 30))
  table('function of ours', sums(ours, functionOf).slice(0, 40))
  table(
    'function elsewhere',
    sums(
      times.filter((time) => !ours.includes(time)),
      functionOf,
    ).slice(0, 50),
  )
}

function functionOf({ file: own, name, line, url }) {
  return url === '' ? `${name} (native), called in ${own}` : `${name} ${own}:${line}`
}
