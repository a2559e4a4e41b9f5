/**
 * Many registered clients: copies of one that was registered properly, sharing its secret and its
 * certificate, so that a single connection can ask as any of them.
 */
import { crowdName } from '../load/requests.mjs'

/** Insertions under way at a time: the store commits them together, and refuses too many. */
const together = 200

export async function fillCrowd(store, client_id, size) {
  const model = await store.findClient(client_id)
  for (let from = 0; from < size; from += together) {
    const indexes = Array.from({ length: Math.min(together, size - from) }, (_, at) => from + at)
    await Promise.all(
      indexes.map((index) => {
        const name = crowdName(index)
        return store.insertClient({ ...model, client_id: name, client_name: name })
      }),
    )
  }
}
