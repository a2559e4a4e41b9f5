/**
 * Results go to stdout, where a program reads them; everything that is said to a person goes to
 * stderr, so that a pipe never carries it.
 */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Rows in aligned columns under their headings. */
export function printTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const lines = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => width(line[column]))))
  for (const line of lines) {
    print(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  }
}

/** One line for the person at the terminal. */
export function say(sentence: string): void {
  process.stderr.write(`mtls-secret: ${sentence}\n`)
}

function width(cell = ''): number {
  return cell.length
}
