/**
 * A CPU profile, added up: each sample's time belongs to the function on top of the stack (self time).
 * Functions inside Node have no file; they count for what they are known to do (sign, hash, write)
 * or for whoever called them.
 */
import { fileURLToPath } from 'node:url'

/** `[{ place, file, name, line, microseconds }]`: self time by place and by function, without idle time. */
export function selfTimes({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((to) => [to, id])))
  const microseconds = new Map()
  samples.forEach((id, index) => {
    // A delta is the time since the sample before, so it belongs to that one's successor.
    microseconds.set(id, (microseconds.get(id) ?? 0) + (timeDeltas[index + 1] ?? 0))
  })
  const times = []
  for (const [id, spent] of microseconds) {
    const { functionName: name, url, lineNumber } = byId.get(id).callFrame
    if (name === '(idle)') continue
    times.push({
      ...placeOf(id),
      name: name || '(anonymous)',
      line: lineNumber + 1,
      microseconds: spent,
      url,
    })
  }
  return times

  function placeOf(id) {
    const { functionName: name, url } = byId.get(id).callFrame
    if (url !== '') return placeOfFile(url)
    const caller = callerOf(id)
    const text = `${name} ${caller}`
    const known = nativePlaces.find(([pattern]) => pattern.test(text))
    if (known !== undefined) return { place: known[1], file: caller }
    return caller === '' ? { place: 'other', file: '' } : placeOfFile(caller)
  }

  /** The file of the nearest caller that has one. */
  function callerOf(id) {
    const parent = parents.get(id)
    if (parent === undefined) return ''
    return byId.get(parent).callFrame.url || callerOf(parent)
  }
}

/** The sums by what `key` says, largest first: `[[key, microseconds]]`. */
export function sums(times, key) {
  const total = new Map()
  for (const time of times) total.set(key(time), (total.get(key(time)) ?? 0) + time.microseconds)
  return [...total].sort(([, a], [, b]) => b - a)
}

/** By the function's name and, where that says little, by whoever called it. */
const nativePlaces = [
  [/^\(garbage collector\) /, 'GC'],
  [/^\(program\) /, 'native outside JS (libuv, TLS records, kernel)'],
  [/^(SignJob|signOneShot) | node:internal\/crypto\/sig/, 'crypto: signature'],
  [
    /^(oneShotDigest|randomFill\w*|timingSafeEqual) | node:internal\/crypto\/(hash|random)/,
    'crypto: hash, random',
  ],
  [
    /^(writev|writeBuffer|writeLatin1String|writeUtf8String|shutdown|readStart) /,
    'node: streams and net',
  ],
  [/^(getPeerCertificate|getPeerX509Certificate|fingerprint256) /, 'node: tls'],
  [/ .*(better-sqlite3|sqlite-(connection|driver|writer))/, 'SQLite'],
]

function placeOfFile(url) {
  if (url.startsWith('node:')) return { place: nodePlace(url), file: url }
  const path = url.startsWith('file:') ? fileURLToPath(url) : url
  const modules = path.lastIndexOf('/node_modules/')
  if (modules >= 0) {
    const [first, second] = path.slice(modules + 14).split('/')
    const name = first.startsWith('@') ? `${first}/${second}` : first
    return { place: name, file: path.slice(modules + 14) }
  }
  const own = /\/dist\/((?:lib|plugins|sample-app)\/.*)$/.exec(path)?.[1]
  if (own === undefined) return { place: 'other', file: path }
  return { place: 'mtls-secret', file: own }
}

function nodePlace(url) {
  if (/http|_http/.test(url)) return 'node: http'
  if (/stream|net$|tls_wrap|_tls|js_stream/.test(url)) return 'node: streams and net'
  if (/crypto/.test(url)) return 'crypto: JavaScript side'
  if (/process\/task_queues|timers|async_hooks|promises|microtask/.test(url)) {
    return 'node: ticks, timers, async hooks'
  }
  return 'node: other'
}
