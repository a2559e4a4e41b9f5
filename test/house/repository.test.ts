import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './sources'

const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '')

const topLevel = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'biome.json',
  'certs',
  'docs',
  'jest.config.js',
  'knip.json',
  'lib',
  'package-lock.json',
  'package.json',
  'plugins',
  'sample-app',
  'test',
  'tsconfig.build.json',
  'tsconfig.json',
]

test('the top level holds what a newcomer expects, and nothing else', () => {
  const entries = new Set(tracked.map((path) => path.split('/')[0]))
  const visible = [...entries].filter((name) => !name?.startsWith('.'))
  expect(visible.sort()).toEqual(topLevel)
})

test('no key, certificate or database is committed', () => {
  expect(tracked.filter((path) => /\.(pem|key|p12|pfx|jks|crt|db)$/.test(path))).toEqual([])
  const holding = tracked.filter((path) =>
    /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}/.test(
      readFileSync(join(root, path), 'latin1'),
    ),
  )
  expect(holding).toEqual([])
})

test('no path of one machine is committed', () => {
  const holding = tracked.filter((path) =>
    /(^|[^\w./-])\/(home|Users|root|work)\/\w/m.test(readFileSync(join(root, path), 'latin1')),
  )
  expect(holding).toEqual([])
})

test('no tracked file is generated: dist, coverage, data and packages stay out', () => {
  expect(
    tracked.filter((path) => /^(dist|coverage|data|node_modules)\/|\.tgz$/.test(path)),
  ).toEqual([])
})
