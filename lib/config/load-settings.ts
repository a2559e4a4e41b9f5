/**
 * `deployment.toml`, read and judged as a whole before anything else happens. What is wrong is told
 * as one line, `FILE:LINE: what is wrong. What to do.`; of several problems, the first by line.
 */
import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { SetupError } from '../error/setup-error'
import { absolutePaths } from './absolute-paths'
import { contradictions } from './contradictions'
import { withDependentDefaults } from './dependent-defaults'
import type { DeploymentSettings } from './deployment'
import { type KeyPath, type Locate, readLines } from './lines'
import { describeFinding, findingsOf, type Problem } from './problems'
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
  return parseSettings(decode(await read(file), file), file)
}

/** The same for a text that was read already; `file` gives its name and folder. */
export function parseSettings(text: string, file: string): DeploymentSettings {
  const settings = judge(parseDocument(text, file), text, file)
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

async function read(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file)
    if (size <= maxBytes) return await readFile(file)
  } catch (error) {
    throw unreadable(file, error)
  }
  throw new SetupError(
    `The file has more than ${maxBytes} bytes.`,
    'Name a deployment.toml, or shorten it.',
    { file },
  )
}

function unreadable(file: string, error: unknown): SetupError {
  const { code } = error as NodeJS.ErrnoException
  const [problem, fix] =
    code === 'ENOENT'
      ? ['There is no such file.', 'Create it, or name another with --config.']
      : [`The file cannot be read (${code}).`, 'Make it a file that this user may read.']
  return new SetupError(problem, fix, { file }, error)
}

function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    const line = bytes.subarray(0, firstBadByte(bytes)).toString('latin1').split('\n').length
    throw new SetupError('This is not UTF-8.', 'Save the file as UTF-8.', { file, line }, error)
  }
}

function firstBadByte(bytes: Buffer): number {
  const mended = Buffer.from(bytes.toString('utf8'))
  const index = bytes.findIndex((byte, position) => byte !== mended[position])
  return index === -1 ? bytes.length : index
}

function parseDocument(text: string, file: string): object {
  const { parse, TomlError } = require('smol-toml') as typeof import('smol-toml')
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [first = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n')
    throw new SetupError(
      `This is not TOML: ${first.replace(/\.$/, '')}.`,
      `Correct it at column ${error.column}.`,
      { file, line: error.line },
      error,
    )
  }
}

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
