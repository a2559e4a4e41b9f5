import type { ThrottleStore } from '../../../lib/client/throttle-store'
import { OAuthError } from '../../../lib/error/oauth-error'
import { type Guess, openThrottle } from '../../../lib/server/throttle'
import { memoryStore } from '../../../lib/store'

let time = 1_000_000
const clock = { now: () => time }
const settings = { failures: 3, window: 60 }

const guessOf = (name: string, more: Partial<Guess['facts']> = {}): Guess => ({
  as: 'client',
  name,
  facts: {
    client_id: name,
    thumbprint: undefined,
    ip: '192.0.2.1',
    request_id: 'r',
    ...more,
  },
})
const a = guessOf('a')

function open(changes: Partial<ThrottleStore> = {}) {
  const store = { ...memoryStore(), ...changes }
  const throttle = openThrottle(store, clock, () => settings)
  const refusal = async (work: () => unknown) => {
    try {
      await work()
      return undefined
    } catch (error) {
      return error instanceof OAuthError ? error : Promise.reject(error)
    }
  }
  return {
    store,
    ...throttle,
    checked: (guess: Guess) => refusal(() => throttle.check(guess)),
    fail: (guess: Guess) => refusal(() => throttle.failed(guess)),
  }
}

const failing = async () => {
  throw new OAuthError('temporarily_unavailable', { reason: 'store_failed' })
}

test('costs no promise, no write and no look-up where nobody fails', () => {
  const asked = jest.fn()
  const { check, recheck } = open({ blockedAfter: asked, countFailure: asked })
  expect(check(a)).toBeUndefined()
  expect(recheck(a)).toBeUndefined()
  expect(asked).not.toHaveBeenCalled()
})

test('lets no more be looked at while failures are still being written', async () => {
  let written = () => {}
  const gate = new Promise<void>((resolve) => {
    written = resolve
  })
  const real = memoryStore()
  const { recheck, fail } = open({
    countFailure: (failure) => gate.then(() => real.countFailure(failure)),
  })
  const failures = [1, 2, 3].map(() => fail(a))
  expect(() => recheck(a)).toThrow(OAuthError)
  expect(await fail(a)).toMatchObject({ status: 429 })
  written()
  expect(await Promise.all(failures)).toEqual([undefined, undefined, undefined])
})

test('counts for this process alone where the store can’t, and still refuses', async () => {
  const { checked, fail } = open({ countFailure: failing })
  for (let i = 0; i < 3; i++) expect(await fail(a)).toBeUndefined()
  expect(await checked(a)).toMatchObject({ status: 429, code: 'temporarily_unavailable' })
  expect(await checked(guessOf('b'))).toBeUndefined()
})

test('lets nobody pass while it can’t be told who is blocked', async () => {
  const { check } = open({ lastBlock: () => Number.NaN, blockedAfter: failing })
  await expect(check(a)).rejects.toMatchObject({ status: 503 })
})

test('asks each time while the number of the last block is not known', async () => {
  const { store, checked } = open({ lastBlock: () => Number.NaN })
  const other = openThrottle(store, clock, () => settings)
  expect(await checked(a)).toBeUndefined()
  for (let i = 0; i < 3; i++) await other.failed(a)
  expect(await checked(a)).toMatchObject({ status: 429 })
})

test('asks once for blocks that have ended and are gone', async () => {
  const blockedAfter = jest.fn(async () => [])
  const { check } = open({ lastBlock: () => 5, blockedAfter })
  await check(a)
  expect(check(a)).toBeUndefined()
  expect(blockedAfter).toHaveBeenCalledTimes(1)
})

test('says how long it lasts, in whole seconds, and ends then', async () => {
  const { checked, fail } = open()
  for (let i = 0; i < 3; i++) await fail(a)
  time += 20_500
  expect((await checked(a))?.headers).toEqual({ 'retry-after': '40' })
  time += 39_499
  expect((await checked(a))?.headers).toEqual({ 'retry-after': '1' })
  time += 1
  expect(await checked(a)).toBeUndefined()
})

test('counts in whole milliseconds, which is all that PostgreSQL takes', async () => {
  const countFailure = jest.fn(failing)
  const store = { ...memoryStore(), countFailure }
  await openThrottle(store, clock, () => ({ failures: 3, window: 1.2345 })).failed(a)
  expect(countFailure).toHaveBeenCalledWith(expect.objectContaining({ window: 1235 }))
})

test('does not lock out for longer when the clock is set back', async () => {
  const { checked, fail } = open()
  for (let i = 0; i < 3; i++) await fail(a)
  time -= 3_600_000
  expect(await checked(a)).toBeUndefined()
  time += 3_600_000
})

test('learns all blocks of others, however many, in steps', async () => {
  const { store, checked } = open()
  const other = openThrottle(store, clock, () => ({ failures: 1, window: 60 }))
  for (let i = 0; i < 2_500; i++) await other.failed(guessOf(`client-${i}`))
  for (const i of [0, 999, 1000, 2499]) {
    expect(await checked(guessOf(`client-${i}`))).toMatchObject({ status: 429 })
  }
  expect(await checked(guessOf('client-2500'))).toBeUndefined()
})

test('knows one who is blocked though many others failed since, and any other by the next failure', async () => {
  const { checked, fail } = open()
  for (let i = 0; i < 3; i++) await fail(a)
  for (let i = 0; i < 25_000; i++) await fail(guessOf(`stranger-${i}`))
  expect(await checked(a)).toMatchObject({ status: 429 })
  const throttle = open()
  for (let i = 0; i < 25_000 * 3; i++) await throttle.fail(guessOf(`blocked-${i % 25_000}`))
  expect(await throttle.checked(guessOf('blocked-0'))).toBeUndefined()
  expect(await throttle.fail(guessOf('blocked-0'))).toMatchObject({ status: 429 })
  expect(await throttle.checked(guessOf('blocked-0'))).toMatchObject({ status: 429 })
}, 60_000)

test('keeps clients, users and peers of the same name apart', async () => {
  const { checked, fail } = open()
  for (let i = 0; i < 3; i++) await fail(a)
  expect(await checked({ ...a, as: 'user' })).toBeUndefined()
  expect(await checked(guessOf('a', { ip: '192.0.2.2' }))).toBeUndefined()
  expect(await checked(guessOf('a', { ip: undefined }))).toBeUndefined()
  expect(await checked(guessOf('a', { thumbprint: 'other' }))).toMatchObject({ status: 429 })
})

test('stores no name: people type passwords where it belongs', async () => {
  const counted = jest.fn(async () => ({ failures: 1, ends: time + 1 }))
  const { fail } = open({ countFailure: counted })
  await fail({ ...guessOf('my-password'), as: 'user' })
  expect(JSON.stringify(counted.mock.calls)).not.toContain('my-password')
})
