import { sourcesOf } from './sources'

/** Files of more than 300 lines, each with the reason why it is still one idea. */
const reasons: Record<string, string> = {}

test('a file of more than 300 lines says why', () => {
  const long = [...sourcesOf('lib'), ...sourcesOf('plugins'), ...sourcesOf('sample-app')]
    .filter(({ text }) => text.split('\n').length > 301)
    .map(({ path }) => path)
  expect(long).toEqual(Object.keys(reasons))
})

test('nothing is called utils, helpers or common', () => {
  const named = [...sourcesOf('lib'), ...sourcesOf('plugins'), ...sourcesOf('test')]
    .map(({ path }) => path)
    .filter((path) => /\b(utils?|helpers?|common|misc)\b/.test(path))
  expect(named).toEqual([])
})
