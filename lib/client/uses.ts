import type { ClientStore, ClientUse } from './client-store'

/**
 * Last-used times of secrets and certificates: noted in memory on the hot path, written in batches.
 * They are for people, so losing some is better than failing or delaying a request. However many clients
 * there are, only so many are written at a time: of a million that come in turn each would cost a write
 * for each of its requests.
 */
export interface Uses {
  note(client_id: string, digest?: string, thumbprint?: string): void
  /** Writes all that is noted, or what is of one client; never rejects. */
  flush(client_id?: string): Promise<void>
}

/** Clients whose uses are written by one batch, and clients that wait for theirs at most. */
const batch = 500
const most = 10_000
/** Of one client: it may show any certificate that it likes. */
const mostOfOne = 50

export function batchUses(
  store: Pick<ClientStore, 'recordUses'>,
  clock: { now(): number },
  milliseconds: number,
): Uses {
  /** The one that waits longest first. */
  const noted = new Map<string, ClientUse[]>()
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
    if (uses.length < mostOfOne) uses.push(use)
  }

  function flush(client_id?: string): Promise<void> {
    if (client_id === undefined) return write(most)
    const uses = noted.get(client_id) ?? []
    noted.delete(client_id)
    return record(uses)
  }

  function remember(client_id: string): ClientUse[] {
    const uses: ClientUse[] = []
    if (noted.size < most) noted.set(client_id, uses)
    timer ??= writeLater()
    return uses
  }

  function writeLater(): NodeJS.Timeout {
    return setTimeout(() => write(batch), milliseconds).unref()
  }

  function write(clients: number): Promise<void> {
    clearTimeout(timer)
    const uses = takeFirst(clients)
    timer = noted.size > 0 ? writeLater() : undefined
    return record(uses)
  }

  function record(uses: readonly ClientUse[]): Promise<void> {
    if (uses.length > 0) written = written.then(() => store.recordUses(uses)).catch(ignore)
    return written
  }

  function takeFirst(clients: number): ClientUse[] {
    const first = [...noted].slice(0, clients)
    for (const [client_id] of first) noted.delete(client_id)
    return first.flatMap(([, uses]) => uses)
  }
}

/** The next use of the same secret or certificate is noted again. */
function ignore(): void {}
