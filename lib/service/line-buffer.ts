/**
 * Lines as bytes, written there one by one while they are in the processor's cache. Gathered as one long
 * string, which V8 keeps as a tree of all its pieces, the same lines cost four times as much when they
 * are written, and each look through the young heap copies them.
 */
export interface LineBuffer {
  /** Bytes that wait. */
  readonly length: number
  add(line: string): void
  /** All of them; the buffer is empty then. */
  take(): Buffer
}

/** A UTF-16 unit of a string is three bytes of UTF-8 at most. */
const bytesPerUnit = 3

/** `size`: bytes that are usually waited for; it grows when more come. */
export function lineBuffer(size: number): LineBuffer {
  let bytes = Buffer.allocUnsafe(size)

  function makeRoom(needed: number): void {
    if (needed <= bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * bytes.length))
    bytes.copy(larger, 0, 0, buffer.length)
    bytes = larger
  }

  const buffer = {
    length: 0,
    add(line: string) {
      makeRoom(buffer.length + line.length * bytesPerUnit)
      buffer.length += bytes.write(line, buffer.length)
    },
    take() {
      const taken = bytes.subarray(0, buffer.length)
      bytes = Buffer.allocUnsafe(size)
      buffer.length = 0
      return taken
    },
  }
  return buffer
}
