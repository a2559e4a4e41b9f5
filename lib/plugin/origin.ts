import { SetupError } from '../error/setup-error'

/** Where plugins come from, so that a conflict names both sides. */
const origins = new WeakMap<object, string>()

/** `origin` ends the sentence "the plugin comes from …". */
export function noteOrigin(plugin: object, origin: string): void {
  origins.set(plugin, origin)
}

/** Given by the program itself, and not by the file that it reads. */
export function isOfProgram(plugin: object): boolean {
  return !origins.has(plugin)
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

function originOf(plugin: object): string {
  return origins.get(plugin) ?? 'the program'
}
