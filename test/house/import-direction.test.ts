/**
 * A folder of lib/ is a room, and a room imports only from rooms above it. So whoever changes a
 * room knows where it can be felt: below, and nowhere else.
 */
import { sourcesOf } from './sources'

/** From the top down; rooms on one floor do not see each other. `roof` is what lies in lib/ itself. */
const floors = [
  ['error'],
  ['certificate'],
  ['token', 'account', 'config'],
  ['client'],
  ['plugin'],
  ['store'],
  ['server'],
  ['express'],
  ['console'],
  ['service'],
  ['roof'],
  ['plugin-testing'],
  ['cli'],
]

/** Rooms that need less than everything above them, and should. */
const narrow: Record<string, readonly string[]> = {
  client: ['error', 'certificate'],
  store: ['error', 'client', 'account', 'token', 'plugin'],
}

function roomOf(path: string): string {
  const [top, room, file] = path.split('/')
  if (top !== 'lib') return String(top)
  return file === undefined && !isRoom(String(room)) ? 'roof' : String(room)
}

const isRoom = (name: string) => floors.flat().includes(name)

function mayImport(from: string, to: string): boolean {
  if (from === to) return true
  if (to === 'plugins') return ['roof', 'plugin-testing', 'cli'].includes(from)
  if (from in narrow) return narrow[from]?.includes(to) ?? false
  const floorOf = (room: string) => floors.findIndex((floor) => floor.includes(room))
  return floorOf(to) !== -1 && floorOf(to) < floorOf(from)
}

const own = (path: string) => /^(lib|plugins|test|sample-app|dist)(\/|$)/.test(path)

test('every folder of lib/ is a room of the house', () => {
  const rooms = new Set(sourcesOf('lib').map(({ path }) => roomOf(path)))
  expect([...rooms].filter((room) => !isRoom(room))).toEqual([])
})

test('a room imports only from rooms above it', () => {
  const wrong = sourcesOf('lib').flatMap(({ path, imports }) =>
    imports
      .filter(own)
      .filter((name) => !mayImport(roomOf(path), roomOf(name)))
      .map((name) => `${path} imports ${name}`),
  )
  expect(wrong).toEqual([])
})

test('the store sees of the plugin room its types alone', () => {
  const wrong = sourcesOf('lib/store').flatMap(({ path, text }) =>
    [...text.matchAll(/^import (?!type ).*'\.\.\/plugin\/.*$/gm)].map(
      ([line]) => `${path}: ${line}`,
    ),
  )
  expect(wrong).toEqual([])
})

test('a built-in plugin imports what any third party may: mtls-secret/plugin and packages', () => {
  const wrong = sourcesOf('plugins').flatMap(({ path, imports }) =>
    imports
      .filter((name) => own(name) && !name.startsWith('plugins/'))
      .filter((name) => !/^lib\/plugin(\/index)?$/.test(name))
      .map((name) => `${path} imports ${name}`),
  )
  expect(wrong).toEqual([])
})

test('the sample app imports what its readers can: the entry points', () => {
  const wrong = sourcesOf('sample-app').flatMap(({ path, imports }) =>
    imports
      .filter((name) => own(name) && !name.startsWith('sample-app/'))
      .filter((name) => !/^lib(\/plugin|\/store)?(\/index)?$/.test(name))
      .map((name) => `${path} imports ${name}`),
  )
  expect(wrong).toEqual([])
})

test('nothing that is shipped imports from the tests', () => {
  const shipped = [...sourcesOf('lib'), ...sourcesOf('plugins'), ...sourcesOf('sample-app')]
  expect(shipped.filter(({ imports }) => imports.some((name) => name.startsWith('test/')))).toEqual(
    [],
  )
})
