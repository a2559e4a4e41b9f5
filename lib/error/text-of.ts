/** Whoever throws may throw what has no text, or fails when it is asked for it. */
export function textOf(cause: unknown): string {
  return orUnshowable(() => String(cause))
}

/** An error's message without its name; of anything else its text. */
export function messageOf(cause: unknown): string {
  return orUnshowable(() => String(cause instanceof Error ? cause.message : cause))
}

function orUnshowable(read: () => string): string {
  try {
    return read()
  } catch {
    return 'something that can not be shown'
  }
}
