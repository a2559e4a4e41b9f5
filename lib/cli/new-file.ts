/**
 * Files that a command makes. They are reserved before anything else happens, so that a secret that
 * exists nowhere else always has its place, and taken back when the command fails.
 */
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { SetupError } from '../error/setup-error'

/** What may be read by others, and what may not. */
export const shared = 0o644
export const secret = 0o600

export interface NewFile {
  readonly path: string
  write(content: string | Buffer): Promise<void>
}

/**
 * Reserves files that must not exist yet and gives them to `work`. When anything fails, none of them
 * remains. Throws `SetupError` naming the file that is in the way.
 */
export async function withNewFiles<T>(
  wanted: readonly { path: string; mode: number }[],
  work: (files: readonly NewFile[]) => Promise<T>,
): Promise<T> {
  const reserved: { path: string; handle: FileHandle }[] = []
  try {
    for (const { path, mode } of wanted) reserved.push({ path, handle: await reserve(path, mode) })
    const result = await work(reserved.map(newFile))
    for (const { handle } of reserved) await handle.close()
    return result
  } catch (error) {
    for (const { path, handle } of reserved) {
      await handle.close().catch(() => {})
      await unlink(path).catch(() => {})
    }
    throw error
  }
}

/** Writes new files, all of them or none. Throws `SetupError` naming the one that is in the way. */
export async function writeNewFiles(
  wanted: readonly { path: string; mode: number; content: string | Buffer }[],
): Promise<void> {
  await withNewFiles(wanted, async (files) => {
    for (const [index, file] of files.entries()) await file.write(wanted[index]?.content ?? '')
  })
}

function newFile({ path, handle }: { path: string; handle: FileHandle }): NewFile {
  return {
    path,
    async write(content) {
      await handle.writeFile(content)
      await handle.sync()
    },
  }
}

async function reserve(file: string, mode: number): Promise<FileHandle> {
  try {
    return await open(file, 'wx', mode)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw refused(file, code, error)
  }
}

function refused(file: string, code: string, cause: unknown): SetupError {
  if (code === 'EEXIST') {
    return new SetupError('The file exists already.', 'Name another, or move it.', { file }, cause)
  }
  const fix = code === 'ENOENT' ? 'Create its folder first.' : 'Name a place where you may write.'
  return new SetupError(`The file cannot be created (${code}).`, fix, { file }, cause)
}
