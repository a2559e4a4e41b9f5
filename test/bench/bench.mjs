/**
 * `npm run bench`: the product beside a bare `node:https` handler that does the same cryptography, and
 * beside its peers. One table and one line for each target on stdout, everything in `result.json`.
 * How it measures: README.md beside this file.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { describeMachine } from './machine/describe.mjs'
import { installPeers } from './peers.mjs'
import { profile } from './profile/profile.mjs'
import { scenarioTable, targetTable } from './report.mjs'
import { fullPace, quickPace, runScenario } from './run-scenario.mjs'
import { allScenarios, standardScenarios } from './scenarios.mjs'
import { makeWorld } from './world.mjs'

const usage = `npm run bench -- [options]

  --only a,b    these scenarios: ${allScenarios.map(({ name }) => name).join(', ')}
  --all         every scenario, the long ones of growth too
  --quick       short rounds: to see that everything works, not how fast
  --rounds N    rounds for each server (15)
  --seconds S   length of a measured window (0.8)
  --profile     where the product's time goes, for the scenario of --only (keep-alive)
  --help
`

try {
  await main()
} catch (error) {
  process.stderr.write(`\n${error.stack}\n`)
  process.exitCode = 1
}

async function main() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      all: { type: 'boolean' },
      quick: { type: 'boolean' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      profile: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) return void process.stdout.write(usage)
  const scenarios = choose(values)
  const pace = paceOf(values)
  if (values.profile) return profile(makeWorld(), scenarios[0], pace, say)

  installPeers(say)
  const machine = describeMachine()
  const world = makeWorld()
  const results = []
  print(`${machine.sentence}\n`)
  for (const scenario of scenarios) {
    const told = (what) => say(`${scenario.name}: ${what}`)
    const result = await runScenario(world, scenario, pace, told)
    results.push(result)
    say('')
    print(`### ${result.title}\n\n${scenarioTable(result)}\n`)
  }
  print(`### Targets\n\n${targetTable(results)}\n`)
  const file = new URL('result.json', import.meta.url)
  writeFileSync(file, `${JSON.stringify({ machine, pace, results }, null, 2)}\n`)
  print(`Everything measured: ${file.pathname}`)
}

function choose({ only, all, profile: profiling }) {
  if (all) return allScenarios
  if (only === undefined) return profiling ? standardScenarios.slice(0, 1) : standardScenarios
  return only.split(',').map((name) => {
    const found = allScenarios.find((scenario) => scenario.name === name)
    if (found !== undefined) return found
    throw new Error(`No scenario is called ${name}.\n\n${usage}`)
  })
}

function paceOf({ quick, rounds, seconds }) {
  const pace = quick ? quickPace : fullPace
  return {
    ...pace,
    rounds: Number(rounds ?? pace.rounds),
    window: Number(seconds ?? pace.window),
  }
}

function print(text) {
  process.stdout.write(`${text}\n`)
}

/** What is going on, on one line that is written over; silent where nobody looks. */
function say(what) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${what}`)
}
