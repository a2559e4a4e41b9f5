import type { ExplainedDeployment } from '../explain-deployment'
import type { Count } from '../server/client-groups'
import type { ExplainedHandler, Finding } from '../server/explain'
import { print } from './say'

export function printExplanation(explained: ExplainedDeployment): void {
  const { chain, off, clients, uncounted, warnings, notes } = explained
  for (const handler of chain) printHandler(handler)
  print('')
  if (off.length > 0) print(`Off: ${off.join(', ')}.`)
  print(
    clients === undefined ? `Clients are not counted. ${uncounted}` : `Clients: ${clients.count}.`,
  )
  printFindings('Insecure:', warnings, explained)
  printFindings('Says nothing, or contradicts:', notes, explained)
}

/** The same for a program. */
export function explanationJson(explained: ExplainedDeployment) {
  const { file, chain, off, clients, uncounted, unserved, warnings, notes } = explained
  const finding = ({ about, problem, clients, key }: Finding) => ({
    about,
    problem,
    line: key && explained.lineOf({ about, problem, key }),
    clients,
  })
  return {
    file,
    chain,
    off,
    clients,
    uncounted,
    unserved,
    warnings: warnings.map(finding),
    notes: notes.map(finding),
  }
}

function printHandler(handler: ExplainedHandler): void {
  const { order, id, name, needs = [], grant_type, clients, events } = handler
  print(id === name ? `${order} ${id}` : `${order} ${id} (${name})`)
  for (const { show, clients } of needs) {
    const what = show.length === 0 ? 'always refused' : `asks for ${show.join(' and ')}`
    printUse(what, clients)
  }
  if (grant_type !== undefined) printUse(`grant_type ${grant_type}`, clients)
  if (events !== undefined) printUse(`hears ${events.join(', ')}`, undefined)
}

function printUse(what: string, clients: Count | undefined): void {
  print(clients === undefined ? `    ${what}` : `    ${what}: ${clientsOf(clients)}`)
}

/** `no client`, `2 clients (billing (9f…), payroll (7a…))`, and of many the first. */
function clientsOf({ count, first }: Count): string {
  if (count === 0) return 'no client'
  const names = `${first.join(', ')}${count > first.length ? ', …' : ''}`
  return `${count} ${count === 1 ? 'client' : 'clients'}: ${names}`
}

function printFindings(
  title: string,
  findings: readonly Finding[],
  { file, lineOf }: ExplainedDeployment,
): void {
  if (findings.length === 0) return
  print('')
  print(title)
  for (const finding of findings) {
    const line = lineOf(finding)
    const where = line === undefined ? finding.about : `${file}:${line}: ${finding.about}`
    print(`    ${where}: ${finding.problem}`)
  }
}
