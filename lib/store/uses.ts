import type { ClientUse } from '../client/client-store'

/**
 * The last use of each secret and each certificate, in one order for all processes, so that two of
 * them that write at once wait for each other instead of for ever.
 */
export function latestUses(uses: readonly ClientUse[]): ClientUse[] {
  const latest = new Map<string, ClientUse>()
  for (const { client_id, digest, thumbprint, at } of uses) {
    if (digest !== undefined)
      keep(latest, JSON.stringify([client_id, 0, digest]), { client_id, digest, at })
    if (thumbprint !== undefined) {
      keep(latest, JSON.stringify([client_id, 1, thumbprint]), { client_id, thumbprint, at })
    }
  }
  return [...latest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, use]) => use)
}

/** Pieces small enough that nobody waits long for the transaction of one. */
export function slices<Item>(items: readonly Item[], size = 50): Item[][] {
  const count = Math.ceil(items.length / size)
  return Array.from({ length: count }, (_, at) => items.slice(at * size, (at + 1) * size))
}

function keep(latest: Map<string, ClientUse>, key: string, use: ClientUse): void {
  const known = latest.get(key)
  if (known === undefined || known.at < use.at) latest.set(key, use)
}
