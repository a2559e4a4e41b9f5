import { SetupError } from '../error/setup-error'

/** The values of a TOML text. Throws `SetupError` with the line of what is not TOML. */
export function parseToml(text: string, file: string): Record<string, unknown> {
  const { parse, TomlError } = require('smol-toml') as typeof import('smol-toml')
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [first = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n')
    throw new SetupError(
      `This is not TOML: ${first.replace(/\.$/, '')}.`,
      `Correct it at column ${error.column}.`,
      { file, line: error.line },
      error,
    )
  }
}
