import { openCleanUp } from '../../../lib/server/clean-up'
import { memoryStore } from '../../../lib/store'
import type { Grant } from '../../../lib/token/token-store'
import { openWorld } from '../../support/world'

const minute = 60_000
const hour = 60 * minute
let time = 1_000_000_000
const clock = { now: () => time }
const warned: unknown[] = []
const log = { info() {}, error() {}, warn: (...line: unknown[]) => void warned.push(line) }
const settings = {
  app_access_token_validity: 600,
  user_access_token_validity: 3600,
  authorization_code_validity: 60,
  refresh_token_validity: 1000,
  renew_refresh_token: true,
  grace: 0,
}

beforeEach(() => {
  // Only what waits is waited for by hand.
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'setInterval', 'nextTick', 'Date'] })
  warned.length = 0
})
afterEach(() => jest.useRealTimers())

/** Longer than from one pass to the next, at most. */
const nextPass = () => jest.advanceTimersByTimeAsync(91_000)

async function grantOf(store: ReturnType<typeof memoryStore>, id: string, expires: number) {
  const grant: Grant = {
    grant_id: id,
    client_id: 'a',
    sub: 'a',
    scope: '',
    resources: [],
    claims: '{}',
    created: time,
    expires,
    revoked: undefined,
  }
  const refresh_token = { digest: id, grant_id: id, created: time, expires, used: undefined }
  expect(await store.commitIssue({ grant, refresh_token, now: time })).toBe(true)
}

async function storeWithClient() {
  const store = memoryStore()
  await store.insertClient({
    client_id: 'a',
    client_name: 'a',
    token_endpoint_auth_method: 'mtls-secret',
    grant_types: [],
    scope: '',
    redirect_uris: [],
    resources: [],
    resource_server: undefined,
    jwks: undefined,
    without_certificate: false,
    tls_identity: undefined,
    registration: undefined,
    disabled: false,
    created: time,
    secrets: [],
    certificates: [],
  })
  return store
}

test('removes a family when the last access token that it brought has ended, and not before', async () => {
  const store = await storeWithClient()
  const cleanUp = openCleanUp({ clock, log, settings }, store)
  await grantOf(store, 'g', time + minute)
  time += minute + hour
  await nextPass()
  expect(await store.findGrant('g')).toBeDefined()
  time += minute + 1
  await nextPass()
  expect(await store.findGrant('g')).toBeUndefined()
  expect(await store.findRefreshToken('g')).toBeUndefined()
  await cleanUp.close()
})

test('remembers a revoked grant while a token of it could still be shown', async () => {
  const store = await storeWithClient()
  const cleanUp = openCleanUp({ clock, log, settings }, store)
  await grantOf(store, 'stored', time + minute)
  await store.revokeGrant('stored', time, time + minute)
  // An access token without a refresh token costs no row; its revocation does, as long as it lives.
  await store.revokeGrant('unstored', time, time + hour)
  time += hour
  await nextPass()
  expect(await store.isGrantRevoked('stored')).toBe(true)
  expect(await store.isGrantRevoked('unstored')).toBe(true)
  time += 2 * hour
  await nextPass()
  expect((await store.status()).counts).toMatchObject({ grant: 0, refresh_token: 0 })
  await cleanUp.close()
})

test('goes in small steps with a pause, until nothing is left', async () => {
  const store = await storeWithClient()
  for (let i = 0; i < 250; i++) await store.seen(`k${i}`, time, time - 1)
  for (let i = 0; i < 130; i++) {
    await store.countFailure({ key: `k${i}`, now: time, window: 1, limit: 9 })
  }
  time += 2 * hour
  const steps: number[] = []
  const removeExpired = async (before: number, limit: number) => {
    const removed = await store.removeExpired(before, limit)
    steps.push(removed)
    return removed
  }
  const cleanUp = openCleanUp({ clock, log, settings }, { ...store, removeExpired })
  await nextPass()
  expect(steps.slice(0, 3)).toEqual([100, 100, 50])
  expect((await store.status()).counts).toMatchObject({ replay: 0, failure: 0 })
  await cleanUp.close()
})

test('that fails says so, and tries again', async () => {
  const removeExpired = jest.fn().mockRejectedValueOnce(new Error('no store')).mockResolvedValue(0)
  const store = { ...memoryStore(), removeExpired }
  const cleanUp = openCleanUp({ clock, log, settings }, store)
  await nextPass()
  expect(warned).toEqual([['cleanup.failed', { problem: 'Error: no store' }]])
  await nextPass()
  expect(removeExpired.mock.calls.length).toBeGreaterThanOrEqual(2)
  await cleanUp.close()
})

test('ends with its step when it is closed', async () => {
  const removeExpired = jest.fn().mockResolvedValue(100)
  const store = { ...memoryStore(), removeExpired }
  const cleanUp = openCleanUp({ clock, log, settings }, store)
  await nextPass()
  const closed = cleanUp.close()
  await jest.advanceTimersByTimeAsync(25)
  await closed
  const calls = removeExpired.mock.calls.length
  await nextPass()
  expect(removeExpired).toHaveBeenCalledTimes(calls)
})

test('is done by a server as long as it is open', async () => {
  const store = memoryStore()
  const removeExpired = jest.fn(store.removeExpired)
  const world = await openWorld({ store: { ...store, removeExpired } })
  await nextPass()
  expect(removeExpired).toHaveBeenCalled()
  await world.close()
  const calls = removeExpired.mock.calls.length
  await nextPass()
  expect(removeExpired).toHaveBeenCalledTimes(calls)
})
