import fc from 'fast-check'
import { readDer, tags } from '../../../lib/certificate/der'
import { element, oid, sequence, setOf, utf8String } from '../../../lib/certificate/der-writer'
import {
  canonicalName,
  formatName,
  type Name,
  parseName,
  readName,
} from '../../../lib/certificate/name'
import { cpuTime } from '../../support/cpu-time'

const types = { CN: '2.5.4.3', OU: '2.5.4.11', O: '2.5.4.10', C: '2.5.4.6' }
const text = (tag: number, value: string) => element(tag, Buffer.from(value, 'latin1'))
const attribute = (type: keyof typeof types, value: Buffer | string) =>
  sequence(oid(types[type]), typeof value === 'string' ? utf8String(value) : value)
const name = (...rdns: Buffer[][]): Name =>
  readName(readDer(sequence(...rdns.map((rdn) => setOf(...rdn)))))

function same(a: Name | undefined, b: Name | undefined): boolean {
  if (a === undefined || b === undefined) throw new Error('no name')
  return canonicalName(a) === canonicalName(b)
}

const plain = name([attribute('C', 'DE')], [attribute('O', 'Acme')], [attribute('CN', 'billing')])

test('writes the last RDN first, as RFC 4514 section 2.1 says', () => {
  expect(formatName(plain)).toBe('CN=billing,O=Acme,C=DE')
  expect(same(parseName('CN=billing,O=Acme,C=DE'), plain)).toBe(true)
  expect(same(parseName('C=DE,O=Acme,CN=billing'), plain)).toBe(false)
})

test('folds case and runs of spaces, and the string type does not matter', () => {
  const printable = name(
    [attribute('C', text(tags.printableString, 'de'))],
    [attribute('O', text(tags.teletexString, ' ACME '))],
    [attribute('CN', element(tags.bmpString, Buffer.from('Billing', 'utf16le').swap16()))],
  )
  expect(same(printable, plain)).toBe(true)
  expect(same(parseName('2.5.4.3=BILLING, o = acme , c=#13024445'), plain)).toBe(true)
  expect(same(parseName('CN=a  b'), name([attribute('CN', 'a b')]))).toBe(true)
  expect(same(parseName('CN=ab'), name([attribute('CN', 'a b')]))).toBe(false)
})

test('does not fold beyond ASCII: a Turkish I and a Kelvin sign are not i and k', () => {
  expect(same(name([attribute('CN', 'Kelvin')]), name([attribute('CN', '\u212Aelvin')]))).toBe(
    false,
  )
  expect(same(name([attribute('CN', 'İ')]), name([attribute('CN', 'i̇')]))).toBe(false)
})

test('takes an RDN of two attributes as a set, and never for two RDNs', () => {
  const both = name([attribute('O', 'a'), attribute('OU', 'b')])
  expect(same(parseName('OU=b+O=a'), both)).toBe(true)
  expect(same(parseName('O=a+OU=b'), both)).toBe(true)
  expect(same(parseName('OU=b,O=a'), both)).toBe(false)
  expect(same(parseName('O=a,OU=b'), both)).toBe(false)
  expect(same(parseName('O=a'), both)).toBe(false)
  expect(same(parseName('O=a+O=a'), name([attribute('O', 'a')]))).toBe(false)
})

test('a value that looks like more RDNs stays one value', () => {
  const sly = name([attribute('O', 'x')], [attribute('CN', 'victim,O=Acme')])
  expect(formatName(sly)).toBe('CN=victim\\,O=Acme,O=x')
  expect(same(sly, parseName('CN=victim\\,O\\=Acme,O=x'))).toBe(true)
  expect(same(sly, parseName('CN=victim,O=Acme,O=x'))).toBe(false)
  const zero = name([attribute('CN', 'victim\0.evil')])
  expect(formatName(zero)).toBe('CN=victim\\00.evil')
  expect(same(zero, parseName('CN=victim'))).toBe(false)
})

test('can’t forge a line of a log', () => {
  const forged = name([attribute('CN', 'a\n{"event":"token.issued"}\u2028\u202e')])
  expect(formatName(forged)).not.toMatch(/[\n\u2028\u202e]/)
})

test('compares attributes of unknown types exactly', () => {
  const unknown = (value: string) =>
    readName(readDer(sequence(setOf(sequence(oid('1.2.3.4'), utf8String(value))))))
  expect(same(unknown('A'), unknown('a'))).toBe(false)
  expect(same(unknown('A'), parseName('1.2.3.4=A'))).toBe(true)
})

test.each([
  '',
  'CN',
  'CN=',
  '=a',
  'CN=a,',
  ',CN=a',
  'CN=a+',
  'CN=a,,O=b',
  'CN=a;O=b',
  'CN="a"',
  'CN=a\\',
  'CN=a\\zz',
  'CN=#1',
  'CN=#zz',
  'CN=#0c05',
  'CN=\\ff',
  'XYZ=a',
  '02.5=a',
  'CN=a\0',
])('%j is a name or none, without a throw', (dn) => {
  const parsed = parseName(dn)
  if (dn === 'CN=') expect(parsed?.[0]?.[0]?.text).toBe('')
  else expect(parsed).toBeUndefined()
})

test('any name survives being written and read again', () => {
  const rdn = fc.array(
    fc.record({
      type: fc.constantFrom(...Object.values(types), '1.2.3.4'),
      value: fc.string({ unit: 'grapheme', maxLength: 12 }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  fc.assert(
    fc.property(fc.array(rdn, { minLength: 1, maxLength: 4 }), (rdns) => {
      const made = readName(
        readDer(
          sequence(
            ...rdns.map((attributes) =>
              setOf(...attributes.map(({ type, value }) => sequence(oid(type), utf8String(value)))),
            ),
          ),
        ),
      )
      expect(same(parseName(formatName(made)), made)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('reads a long name in no time', () => {
  const start = cpuTime()
  for (const long of [
    `CN=${' '.repeat(50_000)}`,
    `CN=${'a'.repeat(50_000)}"`,
    'CN=a+'.repeat(10_000),
  ]) {
    parseName(long)
  }
  expect(cpuTime() - start).toBeLessThan(1000)
})
