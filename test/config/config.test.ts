/**
 * Each `*.toml` here holds cases: settings, a dashed line, and what comes of them, as the operator
 * sees it: one line for an error, or facts. A line of `=` parts two cases; the first comment is the
 * rule. The file is always called `deployment.toml` and lies in `/srv/app`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSettings } from '../../lib/config/load-settings'

const files = readdirSync(__dirname).filter((name) => name.endsWith('.toml'))

describe.each(files)('%s', (file) => {
  const cases = readFileSync(join(__dirname, file), 'utf8').split(/^={10,}\n/m)
  test.each(cases.map((text) => [title(text), text] as const))('%s', (_title, text) => {
    const [settings = '', expected = ''] = text.split(/^-{10,}\n/m)
    const lines = expected.trim().split('\n')
    expect(lines.join('')).not.toBe('')

    const outcome = outcomeOf(settings)
    if (lines[0]?.startsWith('deployment.toml:')) {
      expect(outcome).toBe(lines.join('\n'))
    } else {
      for (const line of lines) expect(outcome).toHaveFact(line)
    }
  })
})

function title(text: string): string {
  const [, rule] = /^# (.+)$/m.exec(text) ?? []
  if (rule === undefined) throw new Error(`A case without a first comment: ${text.slice(0, 80)}`)
  return rule
}

function outcomeOf(settings: string): unknown {
  try {
    return parseSettings(settings, '/srv/app/deployment.toml')
  } catch (error) {
    return String(error instanceof Error ? error.message : error).replace('/srv/app/', '')
  }
}

/** `server.port = 9443` in JSON, or `proxy is absent`. */
function toHaveFact(outcome: unknown, line: string) {
  const [, path = line, value] = /^(\S+) (?:= (.+)|is absent)$/.exec(line) ?? []
  const found = path.split('.').reduce<unknown>((inner, part) => {
    return (inner as Record<string, unknown> | undefined)?.[part]
  }, outcome)
  const expected = value === undefined ? undefined : JSON.parse(value)
  return {
    pass: typeof outcome === 'object' && JSON.stringify(found) === JSON.stringify(expected),
    message: () =>
      `expected ${line}, found ${JSON.stringify(typeof outcome === 'string' ? outcome : found)}`,
  }
}

expect.extend({ toHaveFact })

declare global {
  namespace jest {
    interface Matchers<R> {
      toHaveFact(line: string): R
    }
  }
}
