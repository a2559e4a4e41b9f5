import { createHash } from 'node:crypto'
import { html } from '../../../lib/server/html'
import { documentOf, standardPages } from '../../../lib/server/pages'

const content = { title: '<T>', body: html`<h1>Hello</h1>` }

test('the policy allows our one style sheet by its hash, and nothing else', () => {
  const style = 'body { color: red }'
  const { text, contentSecurityPolicy } = documentOf({ style }, content, [])
  const [, inPage = ''] = /<style>([\s\S]*)<\/style>/.exec(text) ?? []
  const hash = createHash('sha256').update(inPage).digest('base64')
  expect(contentSecurityPolicy).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  )
})

test('a title is text', () => {
  expect(documentOf(standardPages, content, []).text).toContain('<title>&#60;T&#62;</title>')
})

test.each([
  ['https://a.example:8443/cb?x=1', 'https://a.example:8443'],
  ['https://a.example/cb', 'https://a.example'],
  ['com.example.app:/cb', 'com.example.app:'],
  ['http://[::1]:80/cb', 'http:'],
])('a form may lead on to %s', (uri, source) => {
  const { contentSecurityPolicy } = documentOf(standardPages, content, [uri])
  expect(contentSecurityPolicy).toContain(`form-action 'self' ${source};`)
})

test('a page that html did not make is refused', () => {
  const body = { toString: () => '<h1>' }
  expect(() => documentOf(standardPages, { title: 'x', body }, [])).toThrow(TypeError)
})
