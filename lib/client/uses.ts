import type { ClientStore, ClientUse } from './client-store'

/**
 * Last-used times of secrets and certificates: noted in memory on the hot path, written in batches.
 * They are for people, so losing some is better than failing or delaying a request.
 */
export interface Uses {
  note(client_id: string, digest?: string, thumbprint?: string): void
  /** Writes what is noted; never rejects. */
  flush(): Promise<void>
}

export function batchUses(
  store: Pick<ClientStore, 'recordUses'>,
  clock: { now(): number },
  milliseconds: number,
): Uses {
  let noted = new Map<string, ClientUse[]>()
  let timer: NodeJS.Timeout | undefined
  let written = Promise.resolve()

  return { note, flush }

  function note(client_id: string, digest?: string, thumbprint?: string): void {
    const at = clock.now()
    const uses = noted.get(client_id) ?? remember(client_id)
    for (const use of uses) {
      if (use.digest !== digest || use.thumbprint !== thumbprint) continue
      use.at = at
      return
    }
    const use: ClientUse = { client_id, at }
    if (digest !== undefined) use.digest = digest
    if (thumbprint !== undefined) use.thumbprint = thumbprint
    uses.push(use)
  }

  function remember(client_id: string): ClientUse[] {
    const uses: ClientUse[] = []
    noted.set(client_id, uses)
    timer ??= setTimeout(flush, milliseconds).unref()
    return uses
  }

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const uses = [...noted.values()].flat()
    noted = new Map()
    if (uses.length > 0) written = written.then(() => store.recordUses(uses)).catch(ignore)
    return written
  }
}

/** The next use of the same secret or certificate is noted again. */
function ignore(): void {}
