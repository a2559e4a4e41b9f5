/**
 * Clients that got in only because their handler observes: whom it would refuse, why, since when and
 * how often. So an operator knows what turning the check on will break before it does.
 */
export interface Observed {
  client_id: string
  /** A rejection's reason: `no_certificate_registered`. */
  reason: string
  /** Milliseconds since 1970, like `last`. */
  since: number
  last: number
  times: number
}

export interface ObservedStore {
  /**
   * Adds to what is known: times are summed, the earliest `since` and the latest `last` stay. Of a
   * client that is gone nothing is kept. Does not move `version`.
   */
  recordObserved(observed: readonly Observed[]): Promise<void>
  /** What was seen at `after` or later, the latest first. */
  listObserved(after: number): Promise<Observed[]>
}

/** Noted in memory on the hot path, written in batches; what a crash loses will be seen again. */
export interface Observations {
  note(client_id: string, reason: string): void
  /** Writes what is noted; never rejects. */
  flush(): Promise<void>
}

export function batchObservations(
  store: Pick<ObservedStore, 'recordObserved'>,
  clock: { now(): number },
  milliseconds: number,
): Observations {
  let noted = new Map<string, Observed>()
  let timer: NodeJS.Timeout | undefined
  let written = Promise.resolve()

  return { note, flush }

  function note(client_id: string, said: string): void {
    const reason = said.slice(0, longestReason)
    const key = JSON.stringify([client_id, reason])
    const now = clock.now()
    const known = noted.get(key)
    if (known === undefined) {
      noted.set(key, { client_id, reason, since: now, last: now, times: 1 })
      timer ??= setTimeout(flush, milliseconds).unref()
    } else {
      known.times += 1
      known.last = now
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const observed = [...noted.values()]
    noted = new Map()
    if (observed.length > 0) {
      written = written.then(() => store.recordObserved(observed)).catch(() => undefined)
    }
    return written
  }
}

/** A plugin may say anything; the table stays a table of reasons. */
const longestReason = 64
