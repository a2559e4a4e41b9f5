import { batchObservations, type Observed } from '../../../lib/client/observed'

function world(record = async (_: readonly Observed[]) => {}) {
  const written: Observed[][] = []
  let now = 1000
  const store = {
    recordObserved: async (observed: readonly Observed[]) => {
      written.push([...observed])
      await record(observed)
    },
  }
  return { written, observations: batchObservations(store, { now: () => now++ }, 5) }
}

test('counts each client and reason once, from the first time to the last', async () => {
  const { observations, written } = world()
  observations.note('a', 'late')
  observations.note('b', 'late')
  observations.note('a', 'late')
  observations.note('a', 'x'.repeat(1000))
  await observations.flush()
  expect(written).toEqual([
    [
      { client_id: 'a', reason: 'late', since: 1000, last: 1002, times: 2 },
      { client_id: 'b', reason: 'late', since: 1001, last: 1001, times: 1 },
      { client_id: 'a', reason: 'x'.repeat(64), since: 1003, last: 1003, times: 1 },
    ],
  ])
  await observations.flush()
  expect(written).toHaveLength(1)
})

test('writes by itself after a while, and a store that fails hurts nobody', async () => {
  let broken = true
  const first = new Promise<void>((resolve) => {
    const { observations, written } = world(async () => {
      if (!broken) return resolve()
      broken = false
      observations.note('a', 'again')
      throw new Error('disk full')
    })
    observations.note('a', 'late')
    expect(written).toEqual([])
  })
  await expect(first).resolves.toBeUndefined()
})
