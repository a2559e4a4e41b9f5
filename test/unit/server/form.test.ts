import fc from 'fast-check'
import { decode, parseForm } from '../../../lib/server/form'

/** Whatever Node's own encoder writes is read back; whatever is no form is refused with a code. */
const name = fc.stringMatching(/^[a-z_]{1,12}$/)
const value = fc
  .string({ unit: 'binary', minLength: 1 })
  .filter((text) => !/[\0\uFFFD\uD800-\uDFFF]/u.test(text))

test('reads what URLSearchParams writes', () => {
  fc.assert(
    fc.property(fc.dictionary(name, value, { maxKeys: 20 }), (fields) => {
      const { parameters } = parseForm(Buffer.from(new URLSearchParams(fields).toString()))
      expect({ ...parameters }).toEqual({ ...fields })
    }),
    { numRuns: 2000 },
  )
})

test('decodes as decodeURIComponent does, or refuses where that throws', () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(
        '%',
        '%4',
        '%zz',
        '%41',
        '%e9',
        '%C3%A9',
        '%F0%9F%94%91',
        '%ff',
        '%c0%80',
        'a',
        'é',
        '+',
      ),
      fc.string({ maxLength: 3 }),
    ),
  )
  fc.assert(
    fc.property(pieces, (parts) => {
      const text = parts.join('').replace(/[\0\uFFFD\uD800-\uDFFF]/g, '')
      let expected: string | undefined
      try {
        expected = decodeURIComponent(text.replaceAll('+', ' '))
      } catch {
        expected = undefined
      }
      if (expected === undefined || /[\0\uFFFD]/.test(expected)) {
        expect(() => decode(text)).toThrow('invalid_request')
      } else expect(decode(text)).toBe(expected)
    }),
    { numRuns: 5000 },
  )
})

test('any bytes at all are read or refused, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        parseForm(Buffer.from(bytes))
      } catch (error) {
        expect(String(error)).toContain('invalid_request')
      }
    }),
    { numRuns: 5000 },
  )
})

test('drops bare line breaks and keeps escaped ones', () => {
  const { parameters } = parseForm(Buffer.from('a=b\r\n&c=d%0A\n'))
  expect({ ...parameters }).toEqual({ a: 'b', c: 'd\n' })
})

test('refuses a name twice, also where one of them is empty', () => {
  for (const form of [
    'client_secret=a&client_secret=b',
    'a=1&a=2',
    'a=&a=2',
    'a=1&a=',
    'a&a',
    '%61=1&a=2',
  ]) {
    expect(() => parseForm(Buffer.from(form))).toThrow('repeated_parameter')
  }
})

test('puts the client secret apart', () => {
  const { parameters, client_secret } = parseForm(Buffer.from('client_id=a&client_secret=b'))
  expect([{ ...parameters }, client_secret]).toEqual([{ client_id: 'a' }, 'b'])
})
