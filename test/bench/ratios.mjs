/**
 * One figure divided by another: of the same round, and the median of those quotients. Where neighbours on the
 * host take half of a core for some seconds, the medians of two servers may come from different moments.
 * Memory and starts are figures of a whole row.
 */
import { median } from './statistics.mjs'

/** @param figure of two rows: of their rounds where it has been measured in each, else of the rows. */
export function ratioOf(figure, one, other) {
  const rounds = one.rounds.map((round, index) => round[figure] / other.rounds[index]?.[figure])
  return rounds.every(Number.isFinite) ? median(rounds) : one[figure] / other[figure]
}
