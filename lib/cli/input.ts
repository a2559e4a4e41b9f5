/**
 * What commands read. A secret comes from stdin or a file, never from an argument, which `ps` shows
 * to every user of the machine.
 */
import { readFile, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { SetupError } from '../error/setup-error'
import { askSecret } from './ask'

/** Nothing that a command reads is longer; a device or a disk image named by mistake is. */
const maxBytes = 1024 * 1024

/** The bytes of a file. Throws `SetupError` naming it. */
export async function readInput(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file)
    if (size <= maxBytes) return await readFile(file)
  } catch (error) {
    throw unreadable(file, error)
  }
  throw new SetupError('The file has more than 1 MiB.', 'Check the path.', { file })
}

/** A secret from a file or, for `-`, from stdin; one newline at its end does not belong to it. */
export async function readSecret(source: string): Promise<string> {
  const text = source === '-' ? await readStdin() : decode(await readInput(source), source)
  return text.replace(/\r?\n$/, '')
}

/** A password: typed twice at a terminal without being shown, otherwise all of stdin. */
export async function readPassword(): Promise<string> {
  if (!process.stdin.isTTY) return readSecret('-')
  const password = await askSecret('Password: ')
  if ((await askSecret('Again: ')) === password) return password
  throw new SetupError('The two passwords differ.', 'Type the same one twice.')
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin as Readable) {
    size += chunk.length
    if (size > maxBytes)
      throw new SetupError('stdin has more than 1 MiB.', 'Send the secret alone.')
    chunks.push(chunk)
  }
  return decode(Buffer.concat(chunks), 'stdin')
}

function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new SetupError('This is not UTF-8 text.', 'Check which file was named.', { file })
  }
}

function unreadable(file: string, error: unknown): SetupError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  const [problem, fix] =
    code === 'ENOENT'
      ? ['There is no such file.', 'Check the path.']
      : [`The file cannot be read (${code}).`, 'Make it a file that this user may read.']
  return new SetupError(problem, fix, { file }, error)
}
