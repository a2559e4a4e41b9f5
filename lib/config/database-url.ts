/** `sqlite:FILE` or `postgres://USER@HOST/DATABASE`, wherever it is written. */
export function isDatabaseUrl(text: string): boolean {
  return /^(sqlite:.|postgres(ql)?:\/\/.)/.test(text)
}
