/**
 * A bounded cache of two generations. What was not asked for while the younger one filled up goes;
 * a hit in the younger one costs one look-up and writes nothing, unlike an exact LRU.
 */
export interface Cache<T> {
  get(key: string): T | undefined
  set(key: string, value: T): void
  clear(): void
}

export function boundedCache<T>(limit: number): Cache<T> {
  let young = new Map<string, T>()
  let old = new Map<string, T>()

  return { get, set, clear }

  function get(key: string): T | undefined {
    const fresh = young.get(key)
    if (fresh !== undefined) return fresh
    const aged = old.get(key)
    if (aged !== undefined) set(key, aged)
    return aged
  }

  function set(key: string, value: T): void {
    if (young.size >= limit / 2) {
      old = young
      young = new Map()
    }
    young.set(key, value)
  }

  function clear(): void {
    young = new Map()
    old = new Map()
  }
}
