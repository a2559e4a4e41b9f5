import fc from 'fast-check'
import { type Html, html, isHtml } from '../../../lib/server/html'

test('what is put in is text, whatever it is', () => {
  expect(String(html`<p title="${'" onload="x'}">${"<b>&'"}</p>`)).toBe(
    '<p title="&#34; onload=&#34;x">&#60;b&#62;&#38;&#39;</p>',
  )
})

test('what html made is put in as it is, and lists in turn', () => {
  const items = ['a', '<'].map((name) => html`<li>${name}</li>`)
  expect(String(html`<ul>${items}</ul>`)).toBe('<ul><li>a</li><li>&#60;</li></ul>')
})

test('what is not there is nothing; a number is a number', () => {
  expect(String(html`[${undefined}${false}${0}]`)).toBe('[0]')
})

test('what only looks like html is text', () => {
  const fake: Html = { toString: () => '<script>' }
  expect(isHtml(fake)).toBe(false)
  expect(String(html`${fake}`)).toBe('&#60;script&#62;')
})

test('nothing that is put in can end its place', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const [before, inside, after, ...more] = String(html`<i a="${text}">`).split('"')
      expect([before, after, more]).toEqual(['<i a=', '>', []])
      expect(inside).not.toMatch(/[<>'"]/)
    }),
    { numRuns: 2000 },
  )
})
