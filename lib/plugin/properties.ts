import type { StandardSchemaV1 } from '@standard-schema/spec'
import { SetupError } from '../error/setup-error'
import { messageOf } from '../error/text-of'
import type { Link } from './chain'

/**
 * The properties of a link, judged by the plugin's own schema; without a schema none is allowed.
 * Throws `SetupError` with the path of the property.
 */
export async function readProperties(link: Link): Promise<unknown> {
  const schema = link.plugin.properties
  if (schema === undefined) {
    const [first] = Object.keys(link.properties)
    if (first === undefined) return {}
    throw unknownProperty(link, [first], 'Remove it.')
  }
  // A copy: a schema may give back what it was given, and the plugin may then write to it.
  const result = await validate(link, schema, copyOf(link.properties))
  if (result.issues === undefined) return result.value
  const [issue] = result.issues
  if (issue === undefined) {
    throw propertyError(link, [], `The properties of "${link.id}" are refused.`, 'Correct them.')
  }
  throw issueError(link, issue)
}

/** Tables without prototype, as the parser makes them: no key has a meaning of its own. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isTable(value)) return value
  const copy: Record<string, unknown> = Object.create(null)
  for (const [name, inner] of Object.entries(value)) copy[name] = copyOf(inner)
  return copy
}

function isTable(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** A schema that fails in any other way than by its issues is the plugin's fault. */
async function validate(link: Link, schema: StandardSchemaV1, value: unknown) {
  try {
    return await schema['~standard'].validate(value)
  } catch (cause) {
    throw propertyError(
      link,
      [],
      `The schema of "${link.plugin.name}" fails: ${oneLine(cause)}.`,
      'Ask whoever wrote the plugin.',
    )
  }
}

function issueError(link: Link, issue: StandardSchemaV1.Issue): SetupError {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part))
  const unknown = unknownKey(issue)
  if (unknown !== undefined) {
    const fix = 'Correct its spelling, capitals included, or remove it.'
    return unknownProperty(link, [...path, unknown], fix)
  }
  const problem = `${path.join('.') || link.id}: ${oneLine(issue.message)}.`
  return propertyError(link, path, problem, 'Correct the value.')
}

function unknownProperty(link: Link, path: readonly string[], fix: string): SetupError {
  const name = path.at(-1) ?? ''
  const problem = `"${link.plugin.name}" has no property ${JSON.stringify(name)}.`
  return propertyError(link, path, problem, fix)
}

/** zod tells unknown keys apart; other schemas tell them in their message. */
function unknownKey(issue: StandardSchemaV1.Issue): string | undefined {
  if (!('keys' in issue) || !Array.isArray(issue.keys)) return undefined
  return typeof issue.keys[0] === 'string' ? issue.keys[0] : undefined
}

/** An error is one line, whatever a plugin says. */
export function oneLine(said: unknown): string {
  return messageOf(said).split('\n', 1)[0]?.replace(/\.$/, '') ?? ''
}

function propertyError(
  link: Link,
  path: readonly string[],
  problem: string,
  fix: string,
): SetupError {
  return new SetupError(
    problem,
    fix,
    link.key.length > 0 ? { key: [...link.key, 'properties', ...path] } : {},
  )
}
