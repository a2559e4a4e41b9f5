import type { MaybePromise } from './client-store'

/**
 * What may be there already. An `await` of what is there costs a promise and a turn of the microtask queue
 * all the same, some twenty times in a token request that has nothing to wait for.
 */

/** Whether `await` would wait for it. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const mayHave = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return mayHave && 'then' in value && typeof value.then === 'function'
}

/** Goes on with a value when it is there, which may be at once. */
export function whenThere<T, Next>(
  value: MaybePromise<T>,
  goOn: (value: T) => MaybePromise<Next>,
): MaybePromise<Next> {
  return value instanceof Promise ? value.then(goOn) : goOn(value)
}
