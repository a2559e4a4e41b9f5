/**
 * One figure divided by another. The rounds of a scenario are divided pair by pair, since two that stood
 * side by side had the same machine to themselves, and the median of those is the ratio: where neighbours
 * on the host take half of a core for some seconds, the two medians may come from different hours.
 */
import { median } from './statistics.mjs'

/** @param figure of two rows: of their rounds where it has been measured in each, else of the rows. */
export function ratioOf(figure, one, other) {
  const rounds = one.rounds.map((round, index) => round[figure] / other.rounds[index]?.[figure])
  return rounds.every(Number.isFinite) ? median(rounds) : one[figure] / other[figure]
}
