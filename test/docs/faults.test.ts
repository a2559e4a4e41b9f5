import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** docs/faults.md says which test holds which fault: each of them must be there, and no fault without one. */
const root = join(__dirname, '..', '..')
const text = readFileSync(join(root, 'docs/faults.md'), 'utf8')

const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| F'))
  .map((line) => line.slice(2, -2).split(' | '))

test('each of the 21 faults is there', () => {
  const numbers = [...text.matchAll(/\bF(\d+)\b/g)].map(([, number]) => Number(number))
  const all = Array.from({ length: 21 }, (_, index) => index + 1)
  expect(all.filter((number) => !numbers.includes(number))).toEqual([])
})

test.each(rows)('%s: %s', (_fault, _outcome, held) => {
  const [, file = '', title = ''] = /^`(test\/[\w/.-]+\.test\.ts)`: (.+)$/.exec(held ?? '') ?? []
  expect(existsSync(join(root, file))).toBe(true)
  const source = readFileSync(join(root, file), 'utf8')
  const titles = [`'${title}'`, `"${title}"`, `\`${title}\``]
  expect(titles.some((quoted) => source.includes(quoted))).toBe(true)
})
