import fc from 'fast-check'
import {
  childrenOf,
  DerError,
  fieldsOf,
  readBits,
  readBoolean,
  readCount,
  readDer,
  readInteger,
  readOid,
  readTime,
  tags,
} from '../../../lib/certificate/der'
import { element, integer, oid, sequence, time } from '../../../lib/certificate/der-writer'

const hex = (text: string) => Buffer.from(text.replace(/ /g, ''), 'hex')
const read = (text: string) => readDer(hex(text))

test.each([
  ['nothing', ''],
  ['a tag alone', '30'],
  ['too few bytes', '30 03 02 01'],
  ['bytes behind the end', '05 00 00'],
  ['an indefinite length', '30 80 05 00 00 00'],
  ['a length with a byte too many', '04 81 01 00'],
  ['a length with leading zeros', '04 82 00 80'],
  ['a length of five bytes', '04 85 00 00 00 00 01 00'],
  ['a length beyond everything', '04 84 ff ff ff ff 00'],
  ['a high tag number', '1f 81 01 00'],
])('refuses %s', (_, bytes) => {
  expect(() => read(bytes)).toThrow(DerError)
})

test.each([
  ['an empty integer', '02 00'],
  ['an integer with a zero too many', '02 02 00 7f'],
  ['a negative integer with a byte too many', '02 02 ff 80'],
])('refuses %s', (_, bytes) => {
  expect(() => readInteger(read(bytes))).toThrow(DerError)
})

test('reads small numbers, and none that are negative or large', () => {
  expect(readCount(read('02 02 01 00'))).toBe(256)
  expect(() => readCount(read('02 01 ff'))).toThrow(DerError)
  expect(() => readCount(read('02 05 01 00 00 00 00'))).toThrow(DerError)
})

test('a boolean is 00 or ff, one byte', () => {
  expect(readBoolean(read('01 01 ff'))).toBe(true)
  expect(readBoolean(read('01 01 00'))).toBe(false)
  for (const bytes of ['01 01 01', '01 00', '01 02 ff ff']) {
    expect(() => readBoolean(read(bytes))).toThrow(DerError)
  }
})

test('reads the bits of a string, first bit first', () => {
  expect(readBits(read('03 02 05 a0'))).toEqual([true, false, true])
  expect(readBits(read('03 01 00'))).toEqual([])
  for (const bytes of ['03 00', '03 01 01', '03 02 08 80']) {
    expect(() => readBits(read(bytes))).toThrow(DerError)
  }
})

test.each([
  ['an empty identifier', '06 00'],
  ['one that is cut short', '06 02 2a 86'],
  ['one with padding', '06 03 2a 80 01'],
  ['one beyond all numbers', '06 0a 2a ff ff ff ff ff ff ff ff 7f'],
])('refuses %s', (_, bytes) => {
  expect(() => readOid(read(bytes))).toThrow(DerError)
})

test('identifiers and numbers survive being written and read', () => {
  fc.assert(
    fc.property(
      fc.tuple(fc.nat(2), fc.nat(39), fc.array(fc.nat(2 ** 40), { maxLength: 8 })),
      ([root, second, rest]) => {
        const text = [root, second, ...rest].join('.')
        expect(readOid(readDer(oid(text)))).toBe(text)
      },
    ),
  )
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 1), (number) => {
      expect(readCount(readDer(integer(number)))).toBe(number)
    }),
  )
})

test('lengths of every size survive', () => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
    const { content } = readDer(element(tags.octetString, Buffer.alloc(length)))
    expect(content).toHaveLength(length)
  }
})

test('times have one form, with seconds and Z, and exist', () => {
  const utc = (text: string) => readDer(element(tags.utcTime, Buffer.from(text)))
  const general = (text: string) => readDer(element(tags.generalizedTime, Buffer.from(text)))
  expect(readTime(utc('500101000000Z'))).toBe(Date.UTC(1950, 0, 1))
  expect(readTime(utc('491231235959Z'))).toBe(Date.UTC(2049, 11, 31, 23, 59, 59))
  expect(readTime(general('20500101000000Z'))).toBe(Date.UTC(2050, 0, 1))
  expect(readTime(general('99991231235959Z'))).toBe(Date.UTC(9999, 11, 31, 23, 59, 59))
  for (const moment of [0, Date.UTC(2049, 11, 31), Date.UTC(2050, 0, 1)]) {
    expect(readTime(readDer(time(moment)))).toBe(moment)
  }
  for (const bad of [
    '2501010000Z',
    '250101000000',
    '250101000000+0100',
    '250230000000Z',
    '251301000000Z',
    '250101240000Z',
    '25010100000aZ',
    '',
  ]) {
    expect(() => readTime(utc(bad))).toThrow(DerError)
  }
  for (const bad of ['250101000000Z', '20250101000000.5Z', '20250101000000']) {
    expect(() => readTime(general(bad))).toThrow(DerError)
  }
  expect(() => readTime(read('04 00'))).toThrow(DerError)
})

test('the fields of a sequence are wanted, optional, and then at an end', () => {
  const fields = fieldsOf(readDer(sequence(integer(1), oid('1.2.3'))))
  expect(fields.optional(tags.oid)).toBeUndefined()
  expect(() => fieldsOf(readDer(sequence(integer(1)))).next(tags.oid)).toThrow(DerError)
  fields.next(tags.integer)
  expect(() => fields.end()).toThrow(DerError)
  fields.next()
  fields.end()
  expect(() => fields.next()).toThrow(DerError)
  expect(() => fieldsOf(readDer(integer(1)))).toThrow(DerError)
})

test('any bytes are read or refused, and what is read is all of them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (array) => {
      const bytes = Buffer.from(array)
      try {
        const { whole, content, tag } = readDer(bytes)
        expect(whole).toEqual(bytes)
        expect(element(tag, content)).toEqual(bytes)
        childrenOf({ tag, content, whole })
      } catch (error) {
        expect(error).toBeInstanceOf(DerError)
      }
    }),
    { numRuns: 2000 },
  )
})
