import { writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Watch, watchFiles } from '../../../lib/service/watch'

let folder: string
let watches: Watch[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watch-'))
  watches = []
})
afterEach(async () => {
  for (const watch of watches) watch.close()
  await rm(folder, { recursive: true })
})

/** Resolves when a change was told. */
async function watched(name: string, told: () => void = () => undefined) {
  let resolve: () => void = () => undefined
  const changed = new Promise<void>((done) => {
    resolve = done
  })
  const watch = await watchFiles(
    () => [join(folder, name)],
    () => {
      told()
      resolve()
    },
    20,
  )
  watches.push(watch)
  return { watch, changed }
}

it('tells of a file that is written, made or removed', async () => {
  const made = await watched('a')
  await writeFile(join(folder, 'a'), 'one')
  await made.changed
  const written = await watched('a')
  await writeFile(join(folder, 'a'), 'other')
  await written.changed
  const removed = await watched('a')
  await rm(join(folder, 'a'))
  await removed.changed
})

it('does not tell of a change that is known already', async () => {
  const told = jest.fn()
  const { watch } = await watched('a', told)
  const control = await watched('a')
  await writeFile(join(folder, 'a'), 'one')
  await watch.settle()
  await control.changed
  expect(told).not.toHaveBeenCalled()
})

it('waits until a file is quiet', async () => {
  const file = join(folder, 'a')
  let looks = 0
  const told = await new Promise<number>((resolve) => {
    // Each look finds another size, until the tenth.
    const files = () => {
      looks += 1
      if (looks <= 10) writeFileSync(file, 'x'.repeat(looks))
      return [file]
    }
    const changed = () => resolve(looks)
    void watchFiles(files, changed, 5).then((watch) => watches.push(watch))
  })
  expect(told).toBeGreaterThan(10)
})
