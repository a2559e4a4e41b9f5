import { boundedCache } from '../../../lib/client/cache'

test('keeps what is asked for and never more than its limit', () => {
  const cache = boundedCache<number>(10)
  cache.set('hot', 0)
  for (let i = 1; i <= 100; i++) {
    cache.set(`cold ${i}`, i)
    expect(cache.get('hot')).toBe(0)
  }
  const kept = Array.from({ length: 100 }, (_, i) => cache.get(`cold ${i + 1}`))
  expect(kept.filter((value) => value !== undefined).length).toBeLessThanOrEqual(10)
  expect(kept[0]).toBeUndefined()
})

test('forgets everything when cleared', () => {
  const cache = boundedCache<number>(2)
  cache.set('a', 1)
  cache.set('b', 2)
  cache.clear()
  expect([cache.get('a'), cache.get('b')]).toEqual([undefined, undefined])
})
