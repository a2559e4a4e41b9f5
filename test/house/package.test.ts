import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './sources'

interface Packed {
  size: number
  unpackedSize: number
  files: { path: string }[]
}

const [packed] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }),
) as [Packed]
const paths = packed.files.map(({ path }) => path)

test('the package holds the built library, its papers, and nothing else', () => {
  const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json']
  expect(paths.filter((path) => !/^dist\/(lib|plugins)\//.test(path)).sort()).toEqual(papers)
  expect(paths.filter((path) => !/\.(m?js|d\.m?ts)$/.test(path)).sort()).toEqual(papers)
})

test('every file that package.json names is in the package', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const named = JSON.stringify([manifest.main, manifest.types, manifest.bin, manifest.exports])
  const missing = [...named.matchAll(/"\.\/([^"]+\.[a-z]+)"/g)]
    .map(([, path = '']) => path)
    .filter((path) => !paths.includes(path))
  expect(missing).toEqual([])
})

test('the package stays small: 400 kB to fetch, 1.5 MB on disk', () => {
  expect(packed.size).toBeLessThan(400_000)
  expect(packed.unpackedSize).toBeLessThan(1_500_000)
})
