/**
 * Command line scripts in the style of Go's testscript: lines that run the program and look at what
 * it did, then the files that they start from, each below `-- name --`.
 *
 *     mtls-secret ARG…        must succeed; `! mtls-secret` must fail; $NAME and 'quotes' as in a shell
 *     openssl ARG…            must succeed
 *     exit N                  the last command's status
 *     stdout REGEX            something in the output matches; with ! nothing does; stderr alike
 *     grep REGEX FILE         the same for a file
 *     exists FILE…            with ! none of them exists
 *     mode OCTAL FILE         a file's permissions
 *     stdin FILE              for the next command alone; without FILE: what was printed last
 *     env NAME=VALUE          from here on
 *     set NAME PATH           takes a.b.0.c out of the JSON that was printed last
 *     save FILE               writes down what was printed last
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const bin = join(__dirname, '../../dist/lib/cli/main.js')

export function runScript(script: string): void {
  const [lines = '', ...files] = script.split(/^-- (.+) --\n/m)
  const dir = mkdtempSync(join(tmpdir(), 'mtls-secret-cli-'))
  const state: State = { dir, stdout: '', stderr: '', status: 0, input: '', env: { HOME: dir } }
  try {
    for (let i = 0; i < files.length; i += 2) {
      writeFileSync(join(dir, files[i] ?? ''), files[i + 1] ?? '')
    }
    lines.split('\n').forEach((line, index) => {
      runLine(state, line, index + 1)
    })
  } finally {
    rmSync(dir, { recursive: true })
  }
}

interface State {
  readonly dir: string
  stdout: string
  stderr: string
  status: number | null
  /** For the next command. */
  input: string
  env: Record<string, string>
}

function runLine(state: State, line: string, number: number): void {
  const words = line.trim().startsWith('#') ? [] : wordsOf(line, state.env)
  const wanted = words[0] !== '!'
  const [name, ...args] = wanted ? words : words.slice(1)
  if (name === undefined) return
  try {
    const command = commands[name]
    if (command === undefined) throw new Error(`unknown command ${name}`)
    command(state, args, wanted)
  } catch (error) {
    const { status, stdout, stderr } = state
    throw new Error(`line ${number}: ${line}\n${error}\n[${status}]\n${stdout}\n${stderr}`)
  }
}

/** Words as a shell splits them, with 'single quotes' and $NAME. */
function wordsOf(line: string, env: Record<string, string>): string[] {
  const words = [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word)
  return words.map((word) =>
    word.replace(/'([^']*)'|\$([A-Z_0-9]+)/g, (_, quoted, name) => quoted ?? env[name] ?? ''),
  )
}

type Command = (state: State, args: readonly string[], wanted: boolean) => void

const commands: Record<string, Command> = {
  'mtls-secret': (state, args, wanted) => {
    spawn(state, process.execPath, [process.env.MTLS_SECRET_BIN ?? bin, ...args])
    expect(state.stderr).not.toMatch(/^ {4}at /m)
    expect([0, 1, 2]).toContain(state.status)
    expect(state.status === 0).toBe(wanted)
  },
  openssl: (state, args, wanted) => {
    spawn(state, 'openssl', args)
    expect(state.status === 0).toBe(wanted)
  },
  exit: (state, [status]) => {
    expect(state.status).toBe(Number(status))
  },
  stdout: (state, [pattern], wanted) => matches(state.stdout, pattern, wanted),
  stderr: (state, [pattern], wanted) => matches(state.stderr, pattern, wanted),
  grep: (state, [pattern, file], wanted) =>
    matches(readFileSync(pathOf(state, file), 'latin1'), pattern, wanted),
  exists: (state, files, wanted) => {
    const found = files.filter((file) => existsSync(pathOf(state, file)))
    expect(found).toEqual(wanted ? files : [])
  },
  mode: (state, [mode, file]) => {
    expect((statSync(pathOf(state, file)).mode & 0o777).toString(8)).toBe(mode)
  },
  stdin: (state, [file]) => {
    state.input = file === undefined ? state.stdout : readFileSync(pathOf(state, file), 'utf8')
  },
  env: (state, [assignment = '']) => {
    const [name = '', value = ''] = assignment.split('=')
    state.env[name] = value
  },
  set: (state, [name = '', path = '']) => {
    state.env[name] = String(path.split('.').reduce(stepInto, JSON.parse(state.stdout)))
  },
  save: (state, [file]) => writeFileSync(pathOf(state, file), state.stdout),
}

function spawn(state: State, file: string, args: readonly string[]): void {
  const { dir: cwd, input } = state
  const env = { PATH: process.env.PATH, ...state.env }
  state.input = ''
  const ran = spawnSync(file, args, { cwd, env, input, encoding: 'utf8' })
  if (ran.error !== undefined) throw ran.error
  Object.assign(state, { stdout: ran.stdout, stderr: ran.stderr, status: ran.status })
}

function pathOf({ dir }: State, file = ''): string {
  return join(dir, file)
}

function matches(text: string, pattern = '', wanted: boolean): void {
  if (wanted) expect(text).toMatch(new RegExp(pattern, 'm'))
  else expect(text).not.toMatch(new RegExp(pattern, 'm'))
}

function stepInto(value: unknown, key: string): unknown {
  return (value as Record<string, unknown>)[key]
}
