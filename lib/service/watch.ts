/**
 * Notices that a certificate, truststore or revocation list was written. Looked at by time and size,
 * since file system events get lost on network mounts and Kubernetes swaps a symbolic link instead.
 * A file that is still being written is left until it has been quiet for one look.
 */
import { stat } from 'node:fs/promises'

export interface Watch {
  /** What the files are now is known: only a later change counts. */
  settle(): Promise<void>
  close(): void
}

/** Looks every `interval` milliseconds; the list of files is asked for each time. */
export async function watchFiles(
  files: () => readonly string[],
  changed: () => void,
  interval = 500,
): Promise<Watch> {
  let known = await look(files())
  let previous = known
  let timer: NodeJS.Timeout
  let closed = false

  // One look after the other: of two at once the later would find what the earlier one does.
  async function lookAgain(): Promise<void> {
    const now = await look(files())
    if (closed) return
    if (now !== known && now === previous) {
      known = now
      changed()
    }
    previous = now
    timer = setTimeout(lookAgain, interval).unref()
  }

  timer = setTimeout(lookAgain, interval).unref()
  return {
    async settle() {
      known = await look(files())
    },
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

async function look(files: readonly string[]): Promise<string> {
  const seen = files.map(async (file) => {
    const { mtimeMs, size, ino } = await stat(file)
    return `${mtimeMs} ${size} ${ino}`
  })
  const looks = await Promise.allSettled(seen)
  return looks.map((one) => (one.status === 'fulfilled' ? one.value : 'absent')).join('\n')
}
