/** Where a setting stands: the path of its key, and the file and line once they are known. */
export interface SettingPlace {
  key?: readonly (string | number)[]
  file?: string
  line?: number
}

/**
 * A wrong option, `deployment.toml`, plugin or input file, found before anything is served.
 * Its message is one line: `FILE:LINE: what is wrong. What to do.`
 *
 * @example
 * throw new SetupError('MandateMutualSSL must be true, false or "observe", found "yes".', 'Write true.',
 *   { key: ['event_listener', 0, 'properties', 'MandateMutualSSL'] })
 */
export class SetupError extends Error {
  override readonly name = 'SetupError'
  readonly problem: string
  readonly fix: string
  readonly place: SettingPlace

  constructor(problem: string, fix: string, place: SettingPlace = {}, cause?: unknown) {
    const where = place.file === undefined ? '' : `${place.file}:${place.line ?? 1}: `
    super(`${where}${problem} ${fix}`, { cause })
    this.problem = problem
    this.fix = fix
    this.place = place
  }

  /** The same error, told with the file and line in which it stands. */
  at(place: SettingPlace): SetupError {
    return new SetupError(this.problem, this.fix, { ...this.place, ...place }, this.cause)
  }
}
