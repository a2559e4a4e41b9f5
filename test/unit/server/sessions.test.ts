import type { Session } from '../../../lib/account/account-store'
import { openSessions } from '../../../lib/server/sessions'

function open() {
  const rows = new Map<string, Session>()
  const clock = { time: 1_000_000, now: () => clock.time }
  const account = { account_id: 'id', username: 'alice', disabled: false, created: 0 }
  const sessions = openSessions(
    {
      insertSession: async (session) => void rows.set(session.digest, session),
      findSession: async (digest, now) => {
        const row = rows.get(digest)
        return row && row.expires > now ? row : undefined
      },
      deleteSession: async (digest) => rows.delete(digest),
    },
    { findById: async (id) => (id === account.account_id ? account : undefined) },
    clock,
  )
  return { sessions, rows, clock, account }
}

test('each login has a cookie of its own, of which only the digest is kept', async () => {
  const { sessions, rows } = open()
  const [first, second] = [await sessions.start('id'), await sessions.start('id')]
  expect(first).toMatch(/^[\w-]{43}$/)
  expect(first).not.toBe(second)
  expect(JSON.stringify([...rows])).not.toContain(first)
})

test('tells who has logged in and when', async () => {
  const { sessions, clock } = open()
  const cookie = await sessions.start('id')
  const auth_time = clock.time
  clock.time += 5000
  expect(await sessions.find(cookie)).toEqual({ account_id: 'id', username: 'alice', auth_time })
})

test('is over when ended, when its time is, and when the account is disabled or gone', async () => {
  const { sessions, clock, account } = open()
  const ended = await sessions.start('id')
  await sessions.end(ended)
  expect(await sessions.find(ended)).toBeUndefined()
  const cookie = await sessions.start('id')
  account.disabled = true
  expect(await sessions.find(cookie)).toBeUndefined()
  account.disabled = false
  clock.time += 8 * 3_600_000
  expect(await sessions.find(cookie)).toBeUndefined()
  expect(await sessions.find(await sessions.start('nobody'))).toBeUndefined()
  expect(await sessions.find(undefined)).toBeUndefined()
})
