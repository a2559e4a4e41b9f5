import { scryptSync } from 'node:crypto'
import { hashPassword, verifyPassword } from '../../../lib/account/password'

test('stores a password with the parameters of its hash', async () => {
  const stored = await hashPassword('correct horse')
  expect(stored).toMatch(/^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/)
  expect(stored).not.toContain('correct')
  expect(await verifyPassword('correct horse', stored)).toBe(true)
  expect(await verifyPassword('correct horsf', stored)).toBe(false)
  expect(await verifyPassword('', stored)).toBe(false)
})

test('the same password is never stored the same way twice', async () => {
  expect(await hashPassword('admin')).not.toBe(await hashPassword('admin'))
})

test('verifies a password that was stored at another cost', async () => {
  const salt = Buffer.alloc(16, 7)
  const hash = scryptSync('old', salt, 32, { N: 1024, r: 8, p: 1 })
  const stored = `scrypt$1024$8$1$${salt.toString('base64url')}$${hash.toString('base64url')}`
  expect(await verifyPassword('old', stored)).toBe(true)
  expect(await verifyPassword('new', stored)).toBe(false)
})

test('does the same work for a name that nobody has', async () => {
  const stored = await hashPassword('admin')
  const known = await processorTime(() => verifyPassword('wrong', stored))
  const unknown = await processorTime(() => verifyPassword('wrong', undefined))
  expect(await verifyPassword('', undefined)).toBe(false)
  expect(unknown).toBeGreaterThan(known / 3)
})

test.each(['', 'plain', 'scrypt$1024$8$1$c2FsdA$', `scrypt$x$8$1$c2FsdA$${'A'.repeat(43)}`])(
  'lets nobody in by a stored password that is %j',
  async (stored) => {
    await expect(verifyPassword('', stored)).rejects.toThrow()
  },
)

test('a flood of passwords is refused and the queue works on', async () => {
  const stored = await hashPassword('admin')
  const flood = await Promise.allSettled(
    Array.from({ length: 40 }, () => verifyPassword('admin', stored)),
  )
  const refused = flood.filter((outcome) => outcome.status === 'rejected')
  expect(refused.length).toBeGreaterThanOrEqual(40 - 18)
  for (const { reason } of refused) {
    expect(reason).toMatchObject({ code: 'temporarily_unavailable', status: 503 })
  }
  expect(await verifyPassword('admin', stored)).toBe(true)
})

async function processorTime(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
