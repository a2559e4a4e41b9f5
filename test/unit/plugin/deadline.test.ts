import { openDeadline } from '../../../lib/plugin/deadline'

const late = () => new Error('late')
let deadline: ReturnType<typeof openDeadline>
beforeEach(() => {
  deadline = openDeadline(20)
})
afterEach(() => deadline.close())

test('hands over what is there at once, without a promise', () => {
  expect(deadline.within('now', late)).toBe('now')
  expect(deadline.within(undefined, late)).toBeUndefined()
})

test('gives what comes in time, and the error of what fails in time', async () => {
  await expect(deadline.within(Promise.resolve('soon'), late)).resolves.toBe('soon')
  await expect(deadline.within(Promise.reject(new Error('no')), late)).rejects.toThrow('no')
})

test.each<[string, () => unknown]>([
  ['a promise', () => new Promise(() => undefined)],
  ['another library’s promise', () => Object.fromEntries([['then', () => undefined]])],
  [
    'a function with a then',
    () => Object.defineProperty(() => undefined, 'then', { value: () => undefined }),
  ],
])('ends %s that never settles', async (_what, never) => {
  await expect(deadline.within(never() as Promise<never>, late)).rejects.toThrow('late')
})

test('takes the first word of a promise that speaks twice', async () => {
  const twice = Object.fromEntries([
    [
      'then',
      (resolve: (value: string) => void, reject: (error: Error) => void) => {
        resolve('first')
        reject(new Error('second'))
        throw new Error('third')
      },
    ],
  ])
  await expect(deadline.within(twice as never, late)).resolves.toBe('first')
})

test('ends each by its own time, however many wait', async () => {
  const many = Array.from({ length: 100 }, () =>
    deadline.within(new Promise(() => undefined), late),
  )
  const ended = await Promise.allSettled(many)
  expect(ended.every(({ status }) => status === 'rejected')).toBe(true)
})

test('passes what fails in time through `failed`, and does not ask it about what fails too late', async () => {
  const failed = jest.fn((cause: unknown) => new Error(`told: ${cause}`))
  const inTime = deadline.within(Promise.reject('no'), late, failed)
  await expect(inTime).rejects.toThrow('told: no')
  const afterwards = new Promise<never>((_, reject) => setTimeout(reject, 60, 'too late'))
  await expect(deadline.within(afterwards, late, failed)).rejects.toThrow('late')
  await expect(afterwards).rejects.toBe('too late')
  expect(failed).toHaveBeenCalledTimes(1)
})

test('ends the oldest first, and whoever is done leaves the others in line', async () => {
  const order: string[] = []
  const wait = (name: string) =>
    Promise.resolve(
      deadline.within(new Promise(() => undefined), () => {
        order.push(name)
        return new Error(name)
      }),
    ).catch(() => undefined)
  const first = wait('first')
  const done = deadline.within(Promise.resolve(), late)
  const last = wait('last')
  await done
  await Promise.all([first, last])
  expect(order).toEqual(['first', 'last'])
})

test('ends even where the error can not be told', async () => {
  const broken = () => {
    throw new Error('cannot tell')
  }
  await expect(deadline.within(Promise.reject('no'), late, broken)).rejects.toThrow('cannot tell')
  await expect(deadline.within(new Promise(() => undefined), broken)).rejects.toThrow('cannot tell')
})

test('takes a promise that throws when it is asked for one that failed', async () => {
  const failed = jest.fn(() => new Error('told'))
  const odd = Object.assign(Promise.resolve(), {
    // biome-ignore lint/suspicious/noThenProperty: it is what is tried
    then: () => {
      throw new Error('odd')
    },
  })
  await expect(deadline.within(odd as never, late, failed)).rejects.toThrow('told')
  expect(failed).toHaveBeenCalledTimes(1)
})
