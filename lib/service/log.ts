/**
 * The log lines of the process. Lines are gathered and written together, so that a busy server pays
 * one system call for hundreds of them, and never waits for whoever reads them: when the reader is
 * slow the buffer grows to its bound and then lines are counted instead of kept; when it is gone
 * they are dropped. What is pending at the end of the process, crash included, is written first.
 */
import { fstatSync, write, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Clock, Log } from '../plugin/plugin'
import { lineBuffer } from './line-buffer'
import { jsonLine, type Level, type LineFormat, lineForPeople } from './log-line'

export interface ProcessLog extends Log {
  /** Resolves when all lines so far are with the system, or can't be. */
  flush(): Promise<void>
  /** Writes what is pending at once and takes no more. */
  close(): void
}

export interface LogSettings {
  /** 1 unless given: standard output. */
  fd?: number
  /** Words instead of JSON; unless given, when `fd` is a terminal. */
  people?: boolean
  clock?: Clock
  /** Several processes write to `fd`: a line must not be torn. */
  shared?: boolean
}

/** Milliseconds that a line may wait for others. */
const patience = 50
/** Bytes that are written without waiting any longer. */
const batch = 65_536
/** Bytes that may wait for a slow reader. */
const bound = 4_194_304
/** POSIX: so much is written to a pipe in one piece. */
const pipeBuffer = 4096

/**
 * @example
 * const log = openLog({})
 * log.info('server.listening', { url: 'https://localhost:9443' })
 */
export function openLog(settings: LogSettings): ProcessLog {
  const { fd = 1, people = isatty(fd), clock = Date } = settings
  const format: LineFormat = people ? lineForPeople : jsonLine
  const piece = settings.shared && isPipe(fd) ? pipeBuffer : Number.POSITIVE_INFINITY
  const pending = lineBuffer(2 * batch)
  let lost = 0
  /** What the system has been given in part. */
  let current: Buffer = Buffer.alloc(0)
  /** Bytes at its beginning that a thread is writing: they can't be called back. */
  let inHand = 0
  let timer: NodeJS.Timeout | undefined
  let gone = false
  const idle: (() => void)[] = []

  function add(level: Level, event: string, facts: Parameters<Log['info']>[1]): void {
    if (gone) return
    if (pending.length + current.length > bound) {
      lost += 1
      return
    }
    pending.add(format(isoTime(clock.now()), level, event, facts))
    if (pending.length >= batch) send()
    else timer ??= setTimeout(send, patience).unref()
  }

  function send(): void {
    clearTimeout(timer)
    timer = undefined
    if (inHand > 0) return
    take()
    if (current.length === 0) {
      for (const resolve of idle.splice(0)) resolve()
      return
    }
    inHand = nextPiece(current, piece)
    write(fd, current, 0, inHand, null, (error, written) => {
      inHand = 0
      if (error === null) current = current.subarray(written)
      else if (error.code !== 'EAGAIN') return leave()
      if (error !== null) timer ??= setTimeout(send, 10).unref()
      else if (current.length > 0 || idle.length > 0 || pending.length >= batch) send()
      // The few lines that came meanwhile wait for others, too: each write wakes a thread.
      else if (pending.length > 0 || lost > 0) timer ??= setTimeout(send, patience).unref()
    })
  }

  /** Moves pending lines to the bytes that are being written, when those are all written. */
  function take(): void {
    if (current.length > 0) return
    tellLost()
    current = pending.take()
  }

  function tellLost(): void {
    if (lost === 0) return
    pending.add(format(isoTime(clock.now()), 'warn', 'log.lines_lost', { lines: lost }))
    lost = 0
  }

  /** Nobody reads any more. */
  function leave(): void {
    gone = true
    pending.take()
    current = Buffer.alloc(0)
    for (const resolve of idle.splice(0)) resolve()
  }

  function writeNow(): void {
    if (gone) return
    tellLost()
    const bytes = Buffer.concat([current.subarray(inHand), pending.take()])
    current = Buffer.alloc(0)
    writeAll(fd, bytes)
  }

  process.on('exit', writeNow)
  return {
    info: (event, facts) => add('info', event, facts),
    warn: (event, facts) => add('warn', event, facts),
    error: (event, facts) => add('error', event, facts),
    flush: () =>
      new Promise((resolve) => {
        idle.push(resolve)
        send()
      }),
    close() {
      process.off('exit', writeNow)
      clearTimeout(timer)
      writeNow()
      leave()
    },
  }
}

/** The end of what is written next: whole lines of at most `piece` bytes, where there are any. */
function nextPiece(bytes: Buffer, piece: number): number {
  if (bytes.length <= piece) return bytes.length
  const lastNewline = bytes.lastIndexOf(10, piece - 1)
  if (lastNewline >= 0) return lastNewline + 1
  const nextNewline = bytes.indexOf(10)
  return nextNewline < 0 ? bytes.length : nextNewline + 1
}

function isPipe(fd: number): boolean {
  const stats = fstatSync(fd)
  return stats.isFIFO() || stats.isSocket()
}

function writeAll(fd: number, bytes: Buffer): void {
  const until = Date.now() + 200
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      const busy = error instanceof Error && 'code' in error && error.code === 'EAGAIN'
      if (!busy || Date.now() > until) return
    }
  }
}

let lastSecond = Number.NaN
let upToSecond = ''

/** A busy server writes a line in every millisecond; a date is made each second. */
function isoTime(now: number): string {
  const second = Math.floor(now / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    upToSecond = new Date(second * 1000).toISOString().slice(0, 20)
  }
  return `${upToSecond}${String(Math.floor(now) - second * 1000).padStart(3, '0')}Z`
}
