import { z } from 'zod'
import { importProperty } from '../../../../lib/config/wso2/properties'

const handler = {
  name: 'acme',
  properties: z.strictObject({
    level: z.number().optional(),
    MandateMutualSSL: z.boolean().optional(),
  }),
}

test.each([
  [true, true, 'used'],
  [false, false, 'used'],
  ['true', true, 'used'],
  ['false', false, 'used'],
  ['TRUE', true, 'changed'],
  ['False', false, 'changed'],
  ['no', false, 'changed'],
  ['0', false, 'changed'],
  ['', false, 'changed'],
  ['yes', true, 'changed'],
  [1, true, 'changed'],
])('MandateMutualSSL = %j is written as %j (%s)', async (value, written, outcome) => {
  expect(await importProperty('MandateMutualSSL', value, handler)).toMatchObject({
    outcome,
    write: { MandateMutualSSL: written },
  })
})

test('MandateMutualSSL is left out where the handler has no such property', async () => {
  const other = { name: 'other', properties: z.strictObject({}) }
  expect(await importProperty('MandateMutualSSL', 'no', other)).toMatchObject({
    outcome: 'left out',
  })
})

test('a property that the handler takes is used', async () => {
  expect(await importProperty('level', 3, handler)).toMatchObject({
    outcome: 'used',
    write: { level: 3 },
  })
})

test('a property that it does not know, or a value that it refuses, is left out', async () => {
  expect(await importProperty('levle', 3, handler)).toMatchObject({
    outcome: 'left out',
    write: {},
  })
  expect(await importProperty('level', 'x', handler)).toMatchObject({
    outcome: 'left out',
    write: {},
  })
  expect(await importProperty('level', 3, { name: 'bare' })).toMatchObject({ outcome: 'left out' })
})
