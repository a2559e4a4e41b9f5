/** In a file of its own: the two engines take a core each. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from '../../lib/store'
import { fitTheModel, runs } from './fit-the-model'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'model-'))
})
afterAll(() => rm(directory, { recursive: true }))

test(
  `on SQLite, rotation and revocation are what the model says, in ${runs} sequences`,
  () => fitTheModel(sqliteStore(join(directory, 'a.db'), { synchronous: 'NORMAL' })),
  600_000,
)
