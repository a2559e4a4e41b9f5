import type { HealthReasons } from './served'

/** What the process knows of its own health. */
export interface Condition {
  draining: boolean
  /** The last reload was refused: the old state serves. */
  reloadRefused: boolean
  /** When the listeners' certificate ends; milliseconds since 1970. */
  certificateEnds: number
}

/** Long enough to renew by hand. */
const warning = 14 * 86_400_000

export function healthReasons(condition: Condition, now: number): HealthReasons {
  const degraded: string[] = []
  if (condition.reloadRefused) degraded.push('reload_refused')
  if (condition.certificateEnds - now < warning) degraded.push('server_certificate_expiring')
  return { degraded, unavailable: condition.draining ? ['draining'] : [] }
}
