/** docs/proxies.md shows the configurations that the tests run, and settings that are accepted. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { proxyFormats } from '../../lib/certificate/proxy-format'
import { proxySource } from '../../lib/certificate/proxy-header'
import { parseSettings } from '../../lib/config/load-settings'

const root = join(__dirname, '..', '..')
const page = readFileSync(join(root, 'docs/proxies.md'), 'utf8')

const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text = '']) => text,
  )
const configuration = (name: string) =>
  readFileSync(join(root, 'test/support/proxies', name), 'utf8')

/** In the head of a configuration, or a block of the page; several formats may share one. */
const tables = [
  ...['nginx.conf', 'haproxy.cfg'].map((name) =>
    (configuration(name).match(/^# {3}.*$/gm) ?? []).map((line) => line.slice(4)).join('\n'),
  ),
  ...blocks('toml').flatMap((text) => {
    const [line = '', first = '', others = ''] = /^format = "(.+?)" *(.*)$/m.exec(text) ?? []
    const also = [...others.matchAll(/"(.+?)"/g)].map(([, name]) => name)
    return [text, ...also.map((name) => text.replace(line, line.replace(first, name ?? '')))]
  }),
]
const settings = tables.map(
  (text) =>
    parseSettings(`${text}\n[super_admin]\npassword = "not the default"\n`, join(root, 'x.toml'))
      .proxy,
)

test.each([
  ['nginx', 'nginx.conf'],
  ['haproxy', 'haproxy.cfg'],
])('the configuration of %s is the one that its tests run', (language, name) => {
  expect(blocks(language)).toEqual([readFileSync(join(root, 'test/support/proxies', name), 'utf8')])
})

test('there is a [proxy] table for each format, and each is accepted', () => {
  const formats = settings.map((proxy) => proxy?.format)
  expect([...formats].sort()).toEqual(Object.keys(proxyFormats).sort())
  for (const proxy of settings) expect(() => proxy && proxySource(proxy)).not.toThrow()
})

test('a proxy that says nothing of its verification is shown with "none", and no other', () => {
  for (const proxy of settings) {
    const says = proxyFormats[proxy?.format ?? 'rfc9440'].verified_value !== undefined
    expect(proxy?.verified_header === 'none').toBe(!says)
  }
})
