import type { Decision } from '../plugin/plugin'

/**
 * What plugins hand back, read before anything depends on it. Plugins are trusted code of unknown
 * quality: a slip in one must end in a refusal, never in a wider grant (a misspelt `scope` would
 * grant all that the client registered) and never in a token that is half made.
 */

/** Throws an `Error` that says what is wrong, for the operator. */
export function readDecision(given: unknown): Decision {
  if (!isTable(given)) throw new Error('no decision')
  for (const name of Object.keys(given)) {
    if (!known.has(name)) throw new Error(`a decision has no "${name}"`)
  }
  const { sub, scope, resources, refreshable, claims, consumes } = given
  if (typeof sub !== 'string' || sub === '') throw wrong('sub', 'a name')
  if (scope !== undefined && !isScope(scope)) throw wrong('scope', 'scope names between spaces')
  if (resources !== undefined && !isListOfText(resources))
    throw wrong('resources', 'a list of URIs')
  if (refreshable !== undefined && typeof refreshable !== 'boolean') {
    throw wrong('refreshable', 'true or false')
  }
  if (consumes !== undefined && !isConsumption(consumes)) {
    throw wrong('consumes', 'what refreshTokens.find or codes.find gave, or jti and expires')
  }
  const decision = given as unknown as Decision
  return claims === undefined ? decision : { ...decision, claims: readClaims(claims) }
}

/** A copy of what goes into a token, as JSON will have it. Throws as above. */
export function readClaims(given: unknown): Readonly<Record<string, unknown>> {
  if (!isTable(given) || Array.isArray(given)) throw wrong('claims', 'an object')
  const claims = JSON.parse(JSON.stringify(given))
  if (!isTable(claims) || Object.hasOwn(claims, '__proto__')) throw wrong('claims', 'an object')
  return claims
}

const known: ReadonlySet<string> = new Set([
  'sub',
  'scope',
  'resources',
  'refreshable',
  'claims',
  'consumes',
] satisfies (keyof Decision)[])

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** RFC 6749 section 3.3; the empty scope too. */
function isScope(value: unknown): boolean {
  return typeof value === 'string' && /^([!#-[\]-~]+( [!#-[\]-~]+)*)?$/.test(value)
}

function isListOfText(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')
}

function isConsumption(value: unknown): boolean {
  if (!isTable(value)) return false
  const { refresh_token, code, jti, expires } = value
  if (jti !== undefined) {
    return typeof jti === 'string' && jti !== '' && typeof expires === 'number' && expires > 0
  }
  if (code !== undefined) return isTable(code) && typeof code.digest === 'string'
  return isTable(refresh_token) && isTable(refresh_token.grant)
}

function wrong(what: string, mustBe: string): Error {
  return new Error(`${what} must be ${mustBe}`)
}
