import { OAuthError } from '../../../lib/error/oauth-error'
import { groupCommit } from '../../../lib/store/sqlite-writer'

/** A database that only writes down what it is told, and fails where a test says so. */
function fakeDatabase(failAt: (sql: string, nth: number) => string | undefined = () => undefined) {
  const told: string[] = []
  const counts = new Map<string, number>()
  const execute = (sql: string) => {
    const nth = (counts.get(sql) ?? 0) + 1
    counts.set(sql, nth)
    told.push(sql)
    const code = failAt(sql, nth)
    if (code !== undefined) throw Object.assign(new Error(code), { code })
  }
  const commits = jest.fn()
  return { told, commits, writer: groupCommit(execute, commits) }
}

test('writes all that is asked for in one turn of the event loop in one transaction', async () => {
  const { told, commits, writer } = fakeDatabase()
  const answers = await Promise.all([1, 2, 3].map((n) => writer.write(() => n)))
  expect(answers).toEqual([1, 2, 3])
  expect(told.filter((sql) => sql === 'begin immediate')).toHaveLength(1)
  expect(told.filter((sql) => sql === 'commit')).toHaveLength(1)
  expect(commits).toHaveBeenCalledTimes(1)
})

test('answers nobody before the commit', async () => {
  const { told, writer } = fakeDatabase()
  await writer.write(() => told.push('work'))
  expect(told.at(-1)).toBe('commit')
})

test('undoes a job that throws, alone, and hands on what it threw', async () => {
  const { told, writer } = fakeDatabase()
  const outcomes = await Promise.allSettled([
    writer.write(() => 'one'),
    writer.write(() => {
      throw new RangeError('mine')
    }),
    writer.write(() => 'three'),
  ])
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(outcomes[1]).toMatchObject({ reason: new RangeError('mine') })
  expect(told.filter((sql) => sql === 'rollback to job')).toHaveLength(1)
  expect(told.at(-1)).toBe('commit')
})

test('has failed all of a group whose commit fails, and goes on', async () => {
  const { commits, writer } = fakeDatabase((sql, nth) =>
    sql === 'commit' && nth === 1 ? 'SQLITE_FULL' : undefined,
  )
  const outcomes = await Promise.allSettled([writer.write(() => 1), writer.write(() => 2)])
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ reason: { status: 503, reason: 'store_failed' } })
  }
  expect(commits).not.toHaveBeenCalled()
  expect(await writer.write(() => 3)).toBe(3)
})

test('has failed all of a group when SQLite gave the transaction up inside one job', async () => {
  const { writer } = fakeDatabase((sql, nth) =>
    sql === 'rollback to job' && nth === 1 ? 'SQLITE_ERROR' : undefined,
  )
  const outcomes = await Promise.allSettled([
    writer.write(() => 1),
    writer.write(() => {
      throw new Error('disk full')
    }),
  ])
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected'])
  expect(await writer.write(() => 3)).toBe(3)
})

test('tries again while another process holds the lock', async () => {
  const { writer } = fakeDatabase((sql, nth) =>
    sql === 'begin immediate' && nth < 4 ? 'SQLITE_BUSY' : undefined,
  )
  expect(await writer.write(() => 'done')).toBe('done')
})

test('gives up with 503 when the lock is held for too long', async () => {
  const { writer } = fakeDatabase((sql) => (sql === 'begin immediate' ? 'SQLITE_BUSY' : undefined))
  const start = performance.now()
  await expect(writer.write(() => 'never')).rejects.toMatchObject({
    status: 503,
    code: 'temporarily_unavailable',
    headers: { 'retry-after': '1' },
  })
  expect(performance.now() - start).toBeLessThan(2000)
})

test('refuses what it could not write in time', async () => {
  const { writer } = fakeDatabase()
  const asked = Array.from({ length: 3000 }, () => writer.write(() => 1))
  const refused = (await Promise.allSettled(asked)).filter((one) => one.status === 'rejected')
  expect(refused).toHaveLength(1000)
  expect(refused[0]).toMatchObject({ reason: { status: 503, reason: 'overloaded' } })
})

test('writes what was asked before it is closed, and refuses what comes after', async () => {
  const { told, writer } = fakeDatabase()
  const before = writer.write(() => 'stored')
  const closing = writer.close()
  await expect(writer.write(() => 1)).rejects.toThrow(OAuthError)
  await closing
  expect(told.at(-1)).toBe('commit')
  expect(await before).toBe('stored')
})
