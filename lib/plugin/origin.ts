import { SetupError } from '../error/setup-error'

/** Where plugins come from, so that a conflict names both sides. */
type Origin = { package: string } | 'built in'

const origins = new WeakMap<object, Origin>()

export function noteOrigin(plugin: object, origin: Origin): void {
  origins.set(plugin, origin)
}

/** For a plugin that was made of another and stands in for it. */
export function keepOrigin<Made extends object>(made: Made, from: object): Made {
  const origin = origins.get(from)
  if (origin !== undefined) origins.set(made, origin)
  return made
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

export function isBuiltIn(plugin: object): boolean {
  return origins.get(plugin) === 'built in'
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
