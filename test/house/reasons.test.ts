/**
 * Reasons are a closed list: operators search their logs by these words. Each is used somewhere,
 * and no other is. A plugin's own has a colon, and is its author's.
 */
import { refusalReasons, rejectionReasons } from '../../lib/error/reasons'
import { sourcesOf } from './sources'

const reasons: readonly string[] = [...rejectionReasons, ...refusalReasons]
const sources = [...sourcesOf('lib'), ...sourcesOf('plugins')].filter(
  ({ path }) => path !== 'lib/error/reasons.ts',
)

test('each reason stands once', () => {
  expect(new Set(reasons).size).toBe(reasons.length)
})

test('each reason is used', () => {
  const code = sources.map(({ text }) => text).join('\n')
  expect(reasons.filter((reason) => !code.includes(`'${reason}'`))).toEqual([])
})

test('no other word is given as a reason to turn somebody away', () => {
  const speaking = sources.filter(({ path }) =>
    /^(lib\/(client|server|express)|plugins)\//.test(path),
  )
  const others = speaking.flatMap(({ path, text }) => {
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
    const given = [
      ...code.matchAll(/\breason: ('[^']*'(?:\s*:\s*'[^']*')?)/g),
      ...code.matchAll(/\b(?:rejected|observed)\(([^()]*)\)/g),
    ].flatMap(([, argument = '']) => [...argument.matchAll(/'([^']*)'/g)].map(([, word]) => word))
    return given
      .filter((word) => word !== undefined && !word.includes(':') && !reasons.includes(word))
      .map((word) => `${path}: ${word}`)
  })
  expect(others).toEqual([])
})
