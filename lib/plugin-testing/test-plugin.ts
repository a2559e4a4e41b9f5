import { messageOf } from '../error/text-of'
import type { AnyPlugin } from '../plugin/chain'
import type { Case, Tried } from './cases'
import { clientAuthCases } from './client-auth-cases'
import { clientAuthFaultCases } from './client-auth-fault-cases'
import { generalCases } from './general-cases'
import { grantCases } from './grant-cases'
import { listenerCases } from './listener-cases'
import type { PluginTest, Report, ReportedCase, TestFunction } from './options'

/**
 * Attacks a plugin: our own cases for its kind against a real TLS server on loopback, with the plugin
 * as it is, and with one in its place that throws, hangs, lies or changes what it is given.
 * Resolves to a report of all cases; rejects with an `Error` that names each case that does not hold,
 * with the report as its `cause`. Needs `express`, and nothing of any test runner.
 *
 * @example
 * await testPlugin(tenantClaim, { properties: { claim: 'tenant' } })
 */
export function testPlugin(plugin: AnyPlugin, test?: PluginTest): Promise<Report>
/**
 * The same with each case as a test of a runner: `test` of node:test, jest or vitest, `it` of mocha.
 *
 * @example
 * import { test } from 'node:test'
 * testPlugin(acmeHmac, { properties, clientAuth: { sign, certificate: 'optional' } }, test)
 */
export function testPlugin(plugin: AnyPlugin, test: PluginTest, runner: TestFunction): void
export function testPlugin(
  plugin: AnyPlugin,
  test: PluginTest = {},
  runner?: TestFunction,
): Promise<Report> | undefined {
  const cases = casesFor({ plugin, test })
  if (runner === undefined) return runAll(plugin.name, cases)
  for (const { name, run } of cases) runner(`${plugin.name} ${name}`, run)
  return undefined
}

function casesFor(tried: Tried): Case[] {
  const { clientAuth, grant, listener } = tried.test
  const alone = clientAuth === undefined && grant === undefined
  return [
    ...generalCases(tried),
    ...(clientAuth
      ? [...clientAuthCases(tried, clientAuth), ...clientAuthFaultCases(tried, clientAuth)]
      : []),
    ...(grant ? grantCases(tried, grant) : []),
    ...(listener || alone ? listenerCases(tried) : []),
  ]
}

async function runAll(plugin: string, cases: readonly Case[]): Promise<Report> {
  const reported: ReportedCase[] = []
  for (const { name, run } of cases) {
    const problem = await run().then(() => undefined, messageOf)
    reported.push({ name, passed: problem === undefined, problem })
  }
  const report = { plugin, cases: reported }
  const broken = reported.filter(({ passed }) => !passed)
  if (broken.length === 0) return report
  const lines = broken.map(({ name, problem }) => `- it ${name}: ${problem}`)
  throw new Error(
    `${plugin}: ${broken.length} of ${cases.length} cases do not hold:\n${lines.join('\n')}`,
    { cause: report },
  )
}
