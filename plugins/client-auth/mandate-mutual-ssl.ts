import { z } from 'zod'

/** The one property of WSO2's handler, which more than one of ours has: true, false or "observe". */
export function mandateMutualSSL() {
  return z
    .union([z.boolean(), z.enum(['true', 'false', 'observe'])], {
      error: ({ input }) => `must be true, false or "observe", found ${JSON.stringify(input)}`,
    })
    .transform((value) => (value === 'observe' ? value : String(value) === 'true'))
}
