import type { ClientUse } from '../../../lib/client/client-store'
import { batchUses } from '../../../lib/client/uses'

function world(recordUses = async (_: readonly ClientUse[]) => {}) {
  const written: ClientUse[][] = []
  let now = 1000
  const store = {
    recordUses: async (uses: readonly ClientUse[]) => {
      written.push([...uses])
      await recordUses(uses)
    },
  }
  const uses = batchUses(store, { now: () => now++ }, 5)
  return { uses, written }
}

test('writes the last use of each secret and certificate once', async () => {
  const { uses, written } = world()
  uses.note('a', 'digest', 'thumb')
  uses.note('a', 'digest', 'thumb')
  uses.note('a', 'other')
  uses.note('b', undefined, 'thumb')
  expect(written).toEqual([])
  await uses.flush()
  expect(written).toEqual([
    [
      { client_id: 'a', at: 1001, digest: 'digest', thumbprint: 'thumb' },
      { client_id: 'a', at: 1002, digest: 'other' },
      { client_id: 'b', at: 1003, thumbprint: 'thumb' },
    ],
  ])
  await uses.flush()
  expect(written).toHaveLength(1)
})

test('writes by itself after a while', async () => {
  const flushed = new Promise<void>((resolve) => {
    const { uses } = world(async () => resolve())
    uses.note('a', 'digest')
  })
  await expect(flushed).resolves.toBeUndefined()
})

test('a store that fails hurts nobody, and the next batch is written', async () => {
  let broken = true
  const { uses, written } = world(async () => {
    if (broken) throw new Error('disk full')
  })
  uses.note('a', 'digest')
  await uses.flush()
  broken = false
  uses.note('a', 'digest')
  await uses.flush()
  expect(written).toHaveLength(2)
})

test('writes what is noted of one client when that one is asked for', async () => {
  const { uses, written } = world()
  uses.note('a', 'digest')
  uses.note('b', 'digest')
  await uses.flush('b')
  await uses.flush('c')
  expect(written.flat().map(({ client_id }) => client_id)).toEqual(['b'])
  await uses.flush()
  expect(written.flat().map(({ client_id }) => client_id)).toEqual(['b', 'a'])
})

test('keeps few uses of a client that comes with a new certificate each time', async () => {
  const { uses, written } = world()
  for (let n = 0; n < 1000; n++) uses.note('a', 'digest', `thumb-${n}`)
  uses.note('b', 'digest')
  await uses.flush()
  expect(written.flat().filter(({ client_id }) => client_id === 'a')).toHaveLength(50)
  expect(written.flat().filter(({ client_id }) => client_id === 'b')).toHaveLength(1)
})

describe('of very many clients', () => {
  beforeEach(() => jest.useFakeTimers())
  afterEach(() => jest.useRealTimers())

  test('writes some at a time, the longest waiting first, until all are written', async () => {
    const { uses, written } = world()
    for (let n = 0; n < 1200; n++) uses.note(`client-${n}`, 'digest')
    await jest.advanceTimersByTimeAsync(5)
    expect(written.map((batch) => batch.length)).toEqual([500])
    expect(written[0]?.[0]?.client_id).toBe('client-0')
    await jest.advanceTimersByTimeAsync(50)
    expect(written.map((batch) => batch.length)).toEqual([500, 500, 200])
    expect(new Set(written.flat().map(({ client_id }) => client_id)).size).toBe(1200)
  })

  test('keeps a bounded number in mind, and all of those are written on demand', async () => {
    const { uses, written } = world()
    for (let n = 0; n < 12_000; n++) uses.note(`client-${n}`, 'digest')
    await uses.flush()
    expect(written.flat()).toHaveLength(10_000)
    uses.note('client-11999', 'digest')
    await uses.flush()
    expect(written.flat()).toHaveLength(10_001)
  })
})
