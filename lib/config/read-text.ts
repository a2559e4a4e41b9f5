import { readFile, stat } from 'node:fs/promises'
import { SetupError } from '../error/setup-error'

/** A text file of the operator's, in UTF-8. Throws `SetupError` for a missing, long or other file. */
export async function readText(file: string, maxBytes: number): Promise<string> {
  return decode(await readBytes(file, maxBytes), file)
}

async function readBytes(file: string, maxBytes: number): Promise<Buffer> {
  try {
    const { size } = await stat(file)
    if (size <= maxBytes) return await readFile(file)
  } catch (error) {
    throw unreadable(file, error)
  }
  throw new SetupError(
    `The file has more than ${maxBytes} bytes.`,
    'Name a deployment.toml, or shorten it.',
    { file },
  )
}

function unreadable(file: string, error: unknown): SetupError {
  const { code } = error as NodeJS.ErrnoException
  const [problem, fix] =
    code === 'ENOENT'
      ? ['There is no such file.', 'Create it, or name another with --config.']
      : [`The file cannot be read (${code}).`, 'Make it a file that this user may read.']
  return new SetupError(problem, fix, { file }, error)
}

function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    const line = bytes.subarray(0, firstBadByte(bytes)).toString('latin1').split('\n').length
    throw new SetupError('This is not UTF-8.', 'Save the file as UTF-8.', { file, line }, error)
  }
}

function firstBadByte(bytes: Buffer): number {
  const mended = Buffer.from(bytes.toString('utf8'))
  const index = bytes.findIndex((byte, position) => byte !== mended[position])
  return index === -1 ? bytes.length : index
}
