import type { Presented } from '../certificate/presented'
import type { Trust } from '../certificate/trust'

/**
 * A connection whose certificate has ended, or that was opened under another trust set, can bring nothing
 * new: with the refusal it is closed, so that the client comes again with what it has by then. This is told
 * by the connection alone and never by what failed, so a guessed secret learns nothing from it. A proxy's
 * connection is not its client's, and stays.
 */
export interface Connections {
  /** Remembers the trust set under which a connection is first used. */
  note(presented: Presented | undefined): void
  isStale(presented: Presented | undefined, now: number): boolean
}

export function openConnections(trust: Pick<Trust, 'epoch'>): Connections {
  const epochs = new WeakMap<Presented, number>()
  return {
    note(presented) {
      if (presented !== undefined && !epochs.has(presented)) epochs.set(presented, trust.epoch)
    },
    isStale(presented, now) {
      if (presented?.source !== 'tls') return false
      return epochs.get(presented) !== trust.epoch || hasEnded(presented, now)
    },
  }
}

/** What can't be read is refused for that, whenever it comes. */
function hasEnded(presented: Presented, now: number): boolean {
  try {
    return presented.certificate().notAfter < now
  } catch {
    return false
  }
}
