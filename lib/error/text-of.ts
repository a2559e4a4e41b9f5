/** A plugin may throw what has no text, or fails when it is asked for it. */
export function textOf(cause: unknown): string {
  try {
    return String(cause)
  } catch {
    return 'something that can not be shown'
  }
}
