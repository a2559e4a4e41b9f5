import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** docs/standards.md says which test holds which clause: each of them must be there. */
const root = join(__dirname, '..', '..')
const text = readFileSync(join(root, 'docs/standards.md'), 'utf8')

const implemented = [
  6749, 6750, 7009, 7517, 7519, 7523, 7591, 7592, 7636, 7662, 8414, 8705, 8707, 9068, 9126, 9207,
  9440, 9700, 9701,
]

const sections = text.split(/^## /m).slice(1)
const rows = sections.flatMap((section) =>
  section
    .split('\n')
    .filter((line) => /^\| [\dA-Z]/.test(line))
    .map((line) => line.slice(2, -2).split(' | ')),
)

test('every standard that is implemented has its table', () => {
  const named = sections.map((section) => Number(/^RFC (\d+): /.exec(section)?.[1]))
  expect(named).toEqual(implemented)
  for (const section of sections) expect(section.split('\n').length).toBeGreaterThan(5)
})

test.each(rows)('clause %s, %s', (_clause, _what, held) => {
  const [, file = '', title = ''] = /^`(test\/[\w/.-]+\.test\.ts)`: (.+)$/.exec(held ?? '') ?? []
  expect(existsSync(join(root, file))).toBe(true)
  const source = readFileSync(join(root, file), 'utf8')
  const titles = [`'${title}'`, `"${title}"`, `\`${title}\``]
  expect(titles.some((quoted) => source.includes(quoted))).toBe(true)
})
