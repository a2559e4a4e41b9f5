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
