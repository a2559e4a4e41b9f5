import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A program under test: what it says, and how it ends. */
export interface Running {
  readonly pid: number
  /** Every line of stdout so far, read as JSON. */
  readonly events: readonly Event[]
  readonly stderr: string
  /** The next such event after those that were waited for before; fails when the program ends first. */
  next(event: string): Promise<Event>
  signal(signal: NodeJS.Signals): void
  readonly ended: Promise<Ended>
}

export interface Event {
  time: string
  level: string
  event: string
  [fact: string]: unknown
}

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stderr: string
}

const running = new Set<ChildProcess>()

/** Ends what a test left behind. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Starts a program with the arguments of `node`. */
export function start(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; shell?: string } = {},
): Running {
  const { env = process.env, cwd = process.cwd(), shell } = options
  const [command, ...rest] =
    shell === undefined
      ? [process.execPath, ...args]
      : ['/bin/sh', '-c', `${shell}; exec "$0" "$@"`, process.execPath, ...args]
  const child = spawn(command ?? '', rest, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const events: Event[] = []
  let stderr = ''
  let cut = ''
  const waiting: (() => void)[] = []
  const wake = () => {
    for (const resolve of waiting.splice(0)) resolve()
  }
  child.stderr?.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  child.stdout?.on('data', (data: Buffer) => {
    const lines = (cut + data.toString()).split('\n')
    cut = lines.pop() ?? ''
    events.push(...lines.map((line) => JSON.parse(line) as Event))
    wake()
  })
  const ended = once(child, 'close').then(([code, signal]) => {
    running.delete(child)
    wake()
    return { code, signal, stderr } as Ended
  })
  const heard = new Map<string, number>()

  async function next(name: string): Promise<Event> {
    const from = heard.get(name) ?? 0
    for (;;) {
      const index = events.findIndex(({ event }, at) => at >= from && event === name)
      const found = events[index]
      if (found !== undefined) {
        heard.set(name, index + 1)
        return found
      }
      if (!running.has(child)) throw new Error(`ended before ${name}: ${stderr}`)
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
  }

  return {
    pid: child.pid ?? 0,
    events,
    get stderr() {
      return stderr
    },
    next,
    signal: (signal) => void child.kill(signal),
    ended,
  }
}
