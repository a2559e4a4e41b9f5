/**
 * The word of a list that a misspelt one most likely means: the same but for capitals, or at most
 * two slips (a letter missing, added, changed or swapped with its neighbour) away.
 *
 * @example
 * didYouMean('MandateMutualSSl', ['MandateMutualSSL', 'ClientSecretInQuery']) // 'MandateMutualSSL'
 */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  if (word.length > longestWord) return undefined
  let nearest: string | undefined
  let fewest = Math.min(3, Math.ceil(word.length / 2) + 1)
  for (const candidate of known) {
    const slips = distance(word.toLowerCase(), candidate.toLowerCase())
    if (slips < fewest) [nearest, fewest] = [candidate, slips]
  }
  return nearest
}

const longestWord = 64

/** Damerau-Levenshtein, with adjacent swaps only. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current[column] = Math.min(
        at(current, column - 1) + 1,
        at(last, column) + 1,
        at(last, column - 1) + (same ? 0 : 1),
        swapped ? at(beforeLast, column - 2) + 1 : Infinity,
      )
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

const at = (row: readonly number[], column: number) => row[column] ?? Infinity
