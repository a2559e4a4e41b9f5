import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadSettings, parseSettings } from '../../../lib/config/load-settings'

let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtls-secret-'))
  file = join(folder, 'deployment.toml')
  parseSettings('', file)
})
afterAll(() => rm(folder, { recursive: true }))

async function load(content: string | Uint8Array) {
  await writeFile(file, content)
  return loadSettings(file)
}

async function refusal(content: string | Uint8Array): Promise<string> {
  const error = await load(content).then(
    () => 'it was loaded',
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ name: 'SetupError' })
  return (error as Error).message.replace(`${folder}/`, '')
}

test('a file with a byte order mark and Windows line ends loads', async () => {
  const settings = await load('\ufeff[server]\r\nport = 8443\r\n')
  expect(settings.server.port).toBe(8443)
})

test('a byte order mark moves no line', async () => {
  expect(await refusal('\ufeff\r\n[server]\r\nport = -1\r\n')).toMatch(/^deployment.toml:3: /)
})

test('bytes that are not UTF-8 are refused, with their line', async () => {
  expect(await refusal(Buffer.from('[server]\n# caf\xe9\nport = 1\n', 'latin1'))).toBe(
    'deployment.toml:2: This is not UTF-8. Save the file as UTF-8.',
  )
})

test('a character cut short at the end is refused, with its line', async () => {
  expect(await refusal(Buffer.from([0x23, 0x0a, 0x23, 0xc3]))).toMatch(/^deployment.toml:2: /)
})

test('a missing file is told as such', async () => {
  await expect(loadSettings(join(folder, 'absent.toml'))).rejects.toMatchObject({
    message: `${folder}/absent.toml:1: There is no such file. Create it, or name another with --config.`,
  })
})

test('a folder is no file', async () => {
  await mkdir(join(folder, 'folder.toml'))
  await expect(loadSettings(join(folder, 'folder.toml'))).rejects.toMatchObject({
    problem: 'The file cannot be read (EISDIR).',
  })
})

test('a key found wrong later has its line', async () => {
  const settings = await load(
    '[[event_listener]]\nname = "a"\n[event_listener.properties]\nb = 1\n',
  )
  expect(settings.locate(['event_listener', 0, 'properties', 'b'])).toEqual({
    key: ['event_listener', 0, 'properties', 'b'],
    file,
    line: 4,
  })
})

describe('hostile files are loaded or refused within a second (smol-toml, CVE-2026-85730)', () => {
  const limit = 65_536
  test.each<[string, string | Uint8Array]>([
    ['a megabyte of comment', '#'.repeat(1e6)],
    ['a megabyte in one text', `x = "${'x'.repeat(1e6)}"`],
    ['100,000 brackets', `a = ${'['.repeat(1e5)}`],
    ['a dotted key of 30,000 parts', `${'a.'.repeat(3e4)}a = 1`],
    [
      'a dotted property of 30,000 parts',
      `[[event_listener]]\nproperties.${'a.'.repeat(3e4)}a = 1`,
    ],
    ['a table name of 30,000 parts', `[${'a.'.repeat(3e4)}a]`],
    ['an array that never ends', 'a=[1 #'],
    ['an array of 30,000 numbers', `a = [${'1,'.repeat(3e4)}]`],
    ['6,000 unknown keys', Array.from({ length: 6e3 }, (_, n) => `k${n} = 1\n`).join('')],
    ['4,000 unknown tables', Array.from({ length: 4e3 }, (_, n) => `[k${n}]\na=1\n`).join('')],
    ['3,500 listeners', '[[event_listener]]\n'.repeat(3.5e3)],
    ['15,000 plugins of one name', `plugins = [${'"a",'.repeat(1.5e4)}]`],
    ['an unknown key as long as the file', `${'k'.repeat(limit - 10)} = 1`],
    ['as many zero bytes as fit', Buffer.alloc(limit)],
    ['as many stray continuation bytes as fit', Buffer.alloc(limit, 0x80)],
  ])('%s', async (_title, content) => {
    await writeFile(file, content)
    const start = process.cpuUsage()
    await loadSettings(file).catch((error: unknown) => {
      expect(error).toMatchObject({ name: 'SetupError' })
      expect((error as Error).message).not.toMatch(/\n/)
      expect((error as Error).message.length).toBeLessThan(1000)
    })
    // Time of this process alone: how long others keep the machine busy is not the parser's doing.
    const { user, system } = process.cpuUsage(start)
    expect(user + system).toBeLessThan(1_000_000)
  })

  test('a file too long to be settings is refused before it is read', async () => {
    expect(await refusal('#'.repeat(limit + 1))).toBe(
      'deployment.toml:1: The file has more than 65536 bytes. Name a deployment.toml, or shorten it.',
    )
    await expect(load('#'.repeat(limit))).resolves.toBeDefined()
  })
})

test('reading settings pollutes no prototype', async () => {
  for (const name of ['__proto__', 'constructor.prototype', '"__proto__"']) {
    await load(`[[event_listener]]\nname = "a"\nproperties.${name}.polluted = 1\n`)
    await refusal(`[${name}]\npolluted = 1\n`)
    await refusal(`server.${name}.polluted = 1\n`)
  }
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})
