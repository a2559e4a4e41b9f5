/**
 * The gate of CI: the product beside the floor, ratios of one run only, since figures of two runs can't
 * be compared. `gate.json` holds the medians that were measured; a ratio may be worse by a quarter.
 * These machines are noisy: only a scenario that falls short three times in a row fails.
 *
 *   node test/bench/gate.mjs            about a minute; needs `npm run build`, no peers
 *   node test/bench/gate.mjs --record   measures three times and writes the medians into gate.json
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { ratioOf } from './ratios.mjs'
import { runScenario } from './run-scenario.mjs'
import { standardScenarios } from './scenarios.mjs'
import { median } from './statistics.mjs'
import { makeWorld } from './world.mjs'

const runs = 3
const slack = 0.25
const pace = { rounds: 7, firstWarmUp: 1.5, warmUp: 0.2, window: 0.5 }
const file = new URL('gate.json', import.meta.url)

/** What is compared, by scenario: product ÷ floor, and whether more is better. */
const measures = {
  'keep-alive': [
    { figure: 'rate', more: true },
    { figure: 'memory', more: false },
  ],
  rs256: [{ figure: 'rate', more: true }],
  // The load client is nearly the limit here, so requests per second would say little.
  fresh: [{ figure: 'cpu', more: false }],
  refresh: [{ figure: 'rate', more: true }],
  start: [{ figure: 'start', more: false }],
}

try {
  await (process.argv.includes('--record') ? record() : gate())
} catch (error) {
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 1
}

async function gate() {
  const medians = JSON.parse(readFileSync(file, 'utf8'))
  const world = makeWorld()
  let names = Object.keys(measures)
  for (let run = 1; run <= runs && names.length > 0; run++) {
    const short = []
    for (const name of names) {
      const ratios = await measure(world, name)
      const met = ratios.map(({ key, ratio, more }) => judge(key, ratio, more, medians[key]))
      if (met.includes(false)) short.push(name)
    }
    names = short
  }
  if (names.length === 0) return
  process.stdout.write(`too slow in ${runs} runs: ${names.join(', ')}\n`)
  process.exitCode = 1
}

function judge(key, ratio, more, median) {
  const bound = more ? median * (1 - slack) : median * (1 + slack)
  const met = more ? ratio >= bound : ratio <= bound
  const sign = more ? '≥' : '≤'
  const verdict = met ? 'ok  ' : 'SLOW'
  process.stdout.write(
    `${verdict} ${key} ÷ floor: ${ratio.toFixed(2)} (${sign} ${bound.toFixed(2)})\n`,
  )
  return met
}

async function record() {
  const world = makeWorld()
  const found = new Map()
  for (let run = 0; run < runs; run++) {
    for (const name of Object.keys(measures)) {
      for (const { key, ratio } of await measure(world, name)) {
        found.set(key, [...(found.get(key) ?? []), ratio])
      }
    }
  }
  const medians = Object.fromEntries(
    [...found].map(([key, ratios]) => [key, Number(median(ratios).toFixed(3))]),
  )
  writeFileSync(file, `${JSON.stringify(medians, null, 2)}\n`)
  process.stdout.write(readFileSync(file, 'utf8'))
}

/** The floor and the product of a scenario, alone. */
async function measure(world, name) {
  const scenario = standardScenarios.find((each) => each.name === name)
  const product = scenario.participants.find(({ kind }) => kind === 'product')
  const floor = scenario.participants.find(({ kind }) => kind === 'floor')
  const reduced = { ...scenario, participants: [floor, product], targets: [] }
  if (scenario.starts !== undefined) reduced.starts = 3
  const { rows } = await runScenario(world, reduced, pace)
  return measures[name].map(({ figure, more }) => ({
    key: `${name} ${figure}`,
    ratio: ratioOf(figure, rows[1], rows[0]),
    more,
  }))
}
