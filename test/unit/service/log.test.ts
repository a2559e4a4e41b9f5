import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs'
import { createServer, type Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog, type ProcessLog } from '../../../lib/service/log'
import { jsonLine, lineForPeople } from '../../../lib/service/log-line'

const time = '2026-11-24T10:00:00.000Z'
const clock = { now: () => Date.parse(time) }

describe('a line', () => {
  it('is one JSON object with time, level and event', () => {
    const line = jsonLine(time, 'info', 'token.issued', { client_id: 'a', count: 3, ok: true })
    expect(JSON.parse(line)).toEqual({
      time,
      level: 'info',
      event: 'token.issued',
      client_id: 'a',
      count: 3,
      ok: true,
    })
  })

  it.each([
    ['a newline', 'a\nb'],
    ['a carriage return', 'a\r\nb'],
    ['a quote and a backslash', '"\\'],
    ['an escape sequence', '\u001b[2J'],
    ['a C1 control', '\u009b2J'],
    ['a line separator', '\u2028\u2029'],
    ['half a surrogate pair', '\ud800'],
    ['an emoji', '🔑'],
  ])('stays one line and says what was given: %s', (_, value) => {
    const line = jsonLine(time, 'warn', 'x', { value, list: [value], [value]: 1 })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
    const read = JSON.parse(line)
    expect(read.value).toBe(value)
    expect(read.list).toEqual([value])
    expect(read[value]).toBe(1)
  })

  it('cannot have its time, level or event replaced by a fact', () => {
    const line = jsonLine(time, 'error', 'real', { event: 'forged', level: 'info', time: '' })
    expect(JSON.parse(line)).toEqual({ time, level: 'error', event: 'real' })
    expect(line).not.toContain('forged')
  })

  it('leaves out what is undefined and cuts what is endless', () => {
    const line = jsonLine(time, 'info', 'x', { none: undefined, long: 'a'.repeat(1_000_000) })
    expect(JSON.parse(line)).not.toHaveProperty('none')
    expect(line.length).toBeLessThan(5000)
  })

  it('says a number that is none as null', () => {
    expect(JSON.parse(jsonLine(time, 'info', 'x', { n: Number.NaN })).n).toBeNull()
  })

  it('shows people the same facts, without control sequences of a stranger', () => {
    const line = lineForPeople(time, 'warn', 'reload.refused', { problem: 'a\u001b[31m\nb' })
    expect(line).toContain('reload.refused')
    expect(line).toContain('a\\u001b[31m\\u000ab')
    expect(line.trimEnd().split('\n')).toHaveLength(1)
  })
})

describe('the log', () => {
  let folder: string
  let log: ProcessLog
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'log-'))
  })
  afterEach(() => {
    log.close()
    rmSync(folder, { recursive: true })
  })

  const lines = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))

  it('writes every line once and in order', async () => {
    const file = join(folder, 'log')
    const fd = openSync(file, 'w')
    log = openLog({ fd, people: false, clock })
    for (let n = 0; n < 5000; n++) log.info('n', { n, pad: 'x'.repeat(100) })
    await log.flush()
    expect(lines(readFileSync(file, 'utf8')).map(({ n }) => n)).toEqual([...Array(5000).keys()])
    closeSync(fd)
  })

  it('writes what is pending when it is closed', () => {
    const file = join(folder, 'log')
    const fd = openSync(file, 'w')
    log = openLog({ fd, people: false, clock })
    log.error('last')
    expect(readFileSync(file, 'utf8')).toBe('')
    log.close()
    expect(lines(readFileSync(file, 'utf8'))).toEqual([{ time, level: 'error', event: 'last' }])
    closeSync(fd)
  })

  it('tells in its last line how many were lost, when it is closed before it could', async () => {
    const file = join(folder, 'log')
    const fd = openSync(file, 'w')
    log = openLog({ fd, people: false, clock })
    for (let n = 0; n < 60_000; n++) log.info('n', { n, pad: 'x'.repeat(100) })
    log.close()
    // What a thread was writing meanwhile is in the file once the loop has turned.
    await new Promise((resolve) => setImmediate(resolve))
    const read = lines(readFileSync(file, 'utf8'))
    expect(read.at(-1)).toMatchObject({ event: 'log.lines_lost', level: 'warn' })
    expect(read.length - 1 + read.at(-1).lines).toBe(60_000)
    log.close()
    expect(lines(readFileSync(file, 'utf8'))).toHaveLength(read.length)
    closeSync(fd)
  })

  it('writes at its close all that no thread has in hand, when others write to the same pipe', async () => {
    const path = join(folder, 'pipe')
    execFileSync('mkfifo', [path])
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const fd = openSync(path, 'w')
    log = openLog({ fd, people: false, shared: true })
    for (let n = 0; n < 300; n++) log.info('n', { n, pad: 'x'.repeat(50) })
    void log.flush()
    log.close()
    // The thread's own piece comes when it comes.
    await new Promise((resolve) => setTimeout(resolve, 100))
    const bytes = Buffer.alloc(65_536)
    const text = bytes.toString('utf8', 0, readSync(reader, bytes))
    const numbers = lines(text).map(({ n }) => n)
    expect(numbers.sort((a, b) => a - b)).toEqual([...Array(300).keys()])
    closeSync(fd)
    closeSync(reader)
  })

  it('drops lines that nobody can read any more', async () => {
    log = openLog({ fd: openSync('/dev/full', 'w'), people: false })
    log.info('first')
    await log.flush()
    log.info('second')
    await log.flush()
  })

  describe('to a reader that stands still', () => {
    let server: Server
    let reader: Socket
    let writer: Socket & { _handle?: { fd: number } }
    beforeEach(async () => {
      const path = join(folder, 'socket')
      server = createServer({ pauseOnConnect: true }).listen(path)
      writer = new Socket().connect(path)
      reader = await new Promise((resolve) => server.once('connection', resolve))
    })
    afterEach(() => {
      writer.destroy()
      reader.destroy()
      server.close()
    })

    it('keeps a bounded number of lines, counts the rest and tells', async () => {
      const fd = writer._handle?.fd
      log = openLog({ ...(fd === undefined ? {} : { fd }), people: false, shared: true })
      for (let n = 0; n < 100_000; n++) log.info('n', { n, pad: 'x'.repeat(100) })
      await new Promise((resolve) => setImmediate(resolve))
      log.info('too late')
      const received: Buffer[] = []
      reader.on('data', (data: Buffer) => received.push(data))
      reader.resume()
      await log.flush()
      log.info('end')
      await log.flush()
      while (!Buffer.concat(received).includes('"end"')) {
        await new Promise((resolve) => reader.once('data', resolve))
      }
      const read = lines(Buffer.concat(received).toString())
      const numbers = read.filter(({ event }) => event === 'n').map(({ n }) => n)
      const [told] = read.filter(({ event }) => event === 'log.lines_lost')
      expect(numbers).toEqual([...Array(numbers.length).keys()])
      expect(numbers.length + told.lines).toBe(100_001)
      expect(numbers.length).toBeLessThan(60_000)
    })
  })
})
