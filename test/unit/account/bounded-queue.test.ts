import { boundedQueue } from '../../../lib/account/bounded-queue'

function task() {
  let finish: (value: string) => void = () => {}
  let fail: (error: Error) => void = () => {}
  const done = new Promise<string>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  const state = { started: false }
  const work = () => {
    state.started = true
    return done
  }
  return { work, state, finish, fail }
}

const overloaded = {
  code: 'temporarily_unavailable',
  status: 503,
  reason: 'overloaded',
  headers: { 'retry-after': '2' },
}

test('runs only so many at a time and the others in their order', async () => {
  const run = boundedQueue({ running: 1, waiting: 2, patience: 60_000 })
  const [first, second, third] = [task(), task(), task()]
  const results = [first, second, third].map(({ work }) => run(work))
  expect([first.state, second.state, third.state].map((state) => state.started)).toEqual([
    true,
    false,
    false,
  ])
  first.finish('1')
  expect(await results[0]).toBe('1')
  expect([second.state.started, third.state.started]).toEqual([true, false])
  second.finish('2')
  third.finish('3')
  expect(await Promise.all(results)).toEqual(['1', '2', '3'])
})

test('refuses at once what finds the line full', async () => {
  const run = boundedQueue({ running: 1, waiting: 1, patience: 60_000 })
  const [first, second, third] = [task(), task(), task()]
  const results = [run(first.work), run(second.work)]
  await expect(run(third.work)).rejects.toMatchObject(overloaded)
  expect(third.state.started).toBe(false)
  first.finish('1')
  second.finish('2')
  expect(await Promise.all(results)).toEqual(['1', '2'])
})

test('refuses what has waited too long, and never starts it', async () => {
  const run = boundedQueue({ running: 1, waiting: 5, patience: 5 })
  const [first, second, third] = [task(), task(), task()]
  const result = run(first.work)
  await expect(run(second.work)).rejects.toMatchObject(overloaded)
  first.finish('1')
  expect(await result).toBe('1')
  expect(second.state.started).toBe(false)
  third.finish('3')
  expect(await run(third.work)).toBe('3')
})

test('a task that fails makes room for the next', async () => {
  const run = boundedQueue({ running: 1, waiting: 1, patience: 60_000 })
  const [first, second] = [task(), task()]
  const results = [run(first.work), run(second.work)]
  first.fail(new Error('no memory'))
  second.finish('2')
  await expect(results[0]).rejects.toThrow('no memory')
  expect(await results[1]).toBe('2')
  const third = task()
  third.finish('3')
  expect(await run(third.work)).toBe('3')
})
