/**
 * `deployment.toml`, read and judged as a whole before anything else happens. What is wrong is told
 * as one line, `FILE:LINE: what is wrong. What to do.`; of several problems, the first by line.
 */
import { dirname, resolve } from 'node:path'
import { SetupError } from '../error/setup-error'
import { absolutePaths } from './absolute-paths'
import { contradictions } from './contradictions'
import { withDependentDefaults } from './dependent-defaults'
import type { DeploymentSettings } from './deployment'
import { type KeyPath, type Locate, readLines } from './lines'
import { parseToml } from './parse-toml'
import { describeFinding, findingsOf, type Problem } from './problems'
import { readText } from './read-text'
import type { WrittenSettings } from './schema'

/**
 * Reads a file. Relative paths in it become absolute, from the file's own folder.
 * Throws `SetupError` naming file and line.
 *
 * @example
 * const settings = await loadSettings('deployment.toml')
 * settings.server.port // 9443
 */
export async function loadSettings(file: string): Promise<DeploymentSettings> {
  return parseSettings(await readText(file, maxBytes), file)
}

/** The same for a text that was read already; `file` gives its name and folder. */
export function parseSettings(text: string, file: string): DeploymentSettings {
  const settings = judge(parseToml(text, file), text, file)
  let lines: Locate | undefined
  return {
    ...absolutePaths(withDependentDefaults(settings), dirname(resolve(file))),
    file: resolve(file),
    locate(key) {
      lines ??= readLines(text)
      return { key, file, line: lines(key) }
    },
  }
}

/** A page of settings has a few thousand bytes; looking up lines in a far longer one takes seconds. */
const maxBytes = 65_536

/** Each value first, then what they say together: a wrong value must not bring a second, odd error. */
function judge(document: object, text: string, file: string): WrittenSettings {
  const { settingsSchema, schemaAt } = require('./schema') as typeof import('./schema')
  const { data, error } = settingsSchema.safeParse(document)
  if (error !== undefined) {
    const findings = error.issues.flatMap((issue) => findingsOf(issue, document))
    // What is missing comes last: it is often the right name of a key that is told as unknown.
    const present = findings.filter(({ found }) => found !== undefined)
    const first = firstByLine(present.length > 0 ? present : findings, text)
    throw refusal(describeFinding(first, schemaAt), first.line, file)
  }
  const problems = contradictions(data)
  if (problems.length === 0) return data
  const first = firstByLine(problems, text)
  throw refusal(first, first.line, file)
}

function firstByLine<Found extends { key: KeyPath }>(found: readonly Found[], text: string) {
  const lines = readLines(text)
  return found
    .map((one) => ({ ...one, line: lines(one.key) }))
    .reduce((first, other) => (other.line < first.line ? other : first))
}

function refusal({ key, problem, fix }: Problem, line: number, file: string): SetupError {
  return new SetupError(problem, fix, { key, file, line })
}
