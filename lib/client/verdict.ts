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

/** The client is believed. */
export function accepted(): Verdict {
  return yes
}

/** The client is not believed. The reason goes to the audit line, never to the caller. */
export function rejected(reason: RejectionReason | string): Verdict {
  return stamp({ accepted: false, reason })
}

/** Accepted for now, though the rule says no: what `MandateMutualSSL = "observe"` answers. */
export function observed(would_be_refused: RejectionReason | string): Verdict {
  return stamp({ accepted: true, reason: undefined, would_be_refused })
}

export function isVerdict(value: unknown): value is Verdict {
  return typeof value === 'object' && value !== null && genuine.has(value)
}

function stamp(verdict: Verdict): Verdict {
  genuine.add(verdict)
  return Object.freeze(verdict)
}

const yes = stamp({ accepted: true, reason: undefined })
