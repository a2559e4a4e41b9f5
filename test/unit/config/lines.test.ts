import { readLines } from '../../../lib/config/lines'

const text = `plugins = [
  "a",
  "b",
]
x.y = { z = [1, { b = 2 }] }

[server]
"a b".c = 1
'd' = """
[server]
e = 1"""
e = 2

[server.limits]

[[event_listener]]
name = "first"
[event_listener.properties]
"MandateMutualSSL" = true
[[event_listener]]
name = "second"
list = [
  { deep = 1 },
  { deep = 2 },
]
`
const lines = readLines(text)

test.each([
  [['plugins'], 1],
  [['plugins', 1], 3],
  [['x', 'y', 'z', 1, 'b'], 5],
  [['server'], 7],
  [['server', 'a b', 'c'], 8],
  [['server', 'd'], 9],
  [['server', 'e'], 12],
  [['server', 'limits'], 14],
  [['event_listener', 0], 16],
  [['event_listener', 0, 'name'], 17],
  [['event_listener', 0, 'properties', 'MandateMutualSSL'], 19],
  [['event_listener', 1], 20],
  [['event_listener', 1, 'name'], 21],
  [['event_listener', 1, 'list', 1, 'deep'], 24],
])('%j stands on line %i', (key, line) => {
  expect(lines(key)).toBe(line)
})

test.each([
  [['server', 'limits', 'connections'], 14],
  [['event_listener', 1, 'order'], 20],
  [['server', 'port'], 7],
  [['metrics', 'port'], 1],
])('a missing key stands where its table does: %j on line %i', (key, line) => {
  expect(lines(key)).toBe(line)
})

test('a text that this parser cannot read has no lines, and still no error of its own', () => {
  expect(readLines('a = [')(['a'])).toBe(1)
})

test('an inline table may run over several lines, as TOML 1.1 allows and the reader of values does', () => {
  const lines = readLines('limits = {\n  connections = 1,\n  body_bytes = 2,\n}\n')
  expect(lines(['limits', 'body_bytes'])).toBe(3)
})
