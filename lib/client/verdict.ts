import type { PluginReason, RejectionReason } from '../error/reasons'

/**
 * What a check says of a client. A verdict comes from `accepted()`, `rejected(reason)`,
 * `client.judgeSecret` or `client.judgeCertificate`; an object that merely looks like one is
 * refused by the chain, so a plugin can't let anybody in by a truthy return value.
 */
export interface Verdict {
  readonly accepted: boolean
  /** Why not; undefined when accepted. */
  readonly reason: RejectionReason | PluginReason | string | undefined
  /** Accepted only because the handler observes; the audit line tells. */
  readonly would_be_refused?: RejectionReason | string
}

const genuine = new WeakSet<object>()

/**
 * The client is believed; with `would_be_refused` only because the handler observes, which the audit
 * line tells.
 */
export function accepted(note?: { would_be_refused: RejectionReason | string }): Verdict {
  return note === undefined
    ? yes
    : stamp({ accepted: true, reason: undefined, would_be_refused: note.would_be_refused })
}

/** The client is not believed. The reason goes to the audit line, never to the caller. */
export function rejected(reason: RejectionReason | string): Verdict {
  return stamp({ accepted: false, reason })
}

export function isVerdict(value: unknown): value is Verdict {
  return typeof value === 'object' && value !== null && genuine.has(value)
}

function stamp(verdict: Verdict): Verdict {
  genuine.add(verdict)
  return Object.freeze(verdict)
}

const yes = stamp({ accepted: true, reason: undefined })
