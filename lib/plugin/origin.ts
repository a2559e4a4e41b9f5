import { SetupError } from '../error/setup-error'

/** Where plugins come from, so that a conflict names both sides. */
type Origin = { package: string } | 'built in'

const origins = new WeakMap<object, Origin>()

export function noteOrigin(plugin: object, origin: Origin): void {
  origins.set(plugin, origin)
}

/** Ends the sentence "the plugin is of …". */
export function originOf(plugin: object): string {
  const origin = origins.get(plugin)
  if (origin === undefined) return 'the program'
  return origin === 'built in' ? 'mtls-secret itself' : `the package "${origin.package}"`
}

/** Given by the program itself, and not by the file that it reads. */
export function isOfProgram(plugin: object): boolean {
  return !origins.has(plugin)
}

export function isFromPackage(plugin: object): boolean {
  return typeof origins.get(plugin) === 'object'
}

export function sameName(
  first: { readonly name: string },
  second: { readonly name: string },
): SetupError {
  return new SetupError(
    `Two plugins are named "${first.name}": of ${originOf(first)} and of ${originOf(second)}.`,
    'A plugin name stands once; rename or leave out one of them.',
  )
}
