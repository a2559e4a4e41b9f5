import type { RejectionReason } from '../error/reasons'
import type { Path } from './chain'

export type OcspPolicy = 'off' | 'soft' | 'hard'

export interface Responders {
  verdict(
    paths: readonly Path[],
    policy: OcspPolicy,
    now: number,
  ): RejectionReason | undefined | Promise<RejectionReason | undefined>
}

export function openResponders(): Responders {
  return { verdict: () => undefined }
}
