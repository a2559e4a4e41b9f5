/**
 * The word of a list that a misspelt one most likely means: the same but for capitals, or at most
 * two slips (a letter missing, added or changed) away.
 *
 * @example
 * didYouMean('MandateMutualSSl', ['MandateMutualSSL', 'ClientSecretInQuery']) // 'MandateMutualSSL'
 */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  if (word.length > longestWord) return undefined
  let nearest: string | undefined
  // A word of one or two letters resembles too much.
  let fewest = word.length > 2 ? 3 : 2
  for (const candidate of known) {
    const slips = distance(word.toLowerCase(), candidate.toLowerCase())
    if (slips < fewest) [nearest, fewest] = [candidate, slips]
  }
  return nearest
}

const longestWord = 64

/** Levenshtein's, row by row. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      current[column] = Math.min(
        at(current, column - 1) + 1,
        at(above, column) + 1,
        at(above, column - 1) + (same ? 0 : 1),
      )
    }
    above = current
  }
  return at(above, b.length)
}

const at = (row: readonly number[], column: number) => row[column] ?? Infinity
