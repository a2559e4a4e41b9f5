import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore, sqliteStore } from '../../lib/store'
import { storeContract } from './store.contract'

storeContract('memory', async () => {
  const store = memoryStore()
  return { store, other: store, close: () => store.close() }
})

storeContract('SQLite', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'store-'))
  const file = join(dir, 'a.db')
  const [store, other] = [sqliteStore(file), sqliteStore(file)]
  await Promise.all([store.open(), other.open()])
  return {
    store,
    other,
    dump: async () =>
      (await Promise.all([file, `${file}-wal`].map((path) => readFile(path, 'latin1')))).join(),
    async close() {
      await Promise.all([store.close(), other.close()])
      await rm(dir, { recursive: true })
    },
  }
})
