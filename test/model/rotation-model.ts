/**
 * What families of refresh tokens must do, written without any store: a state, and for each operation
 * what it may answer and what is left. Whatever runs at the same time must come out as if it had run
 * one after the other, in some order; so the model keeps every state that could be meant.
 */
export interface State {
  families: readonly Family[]
  disabled: readonly Who[]
  /** Events told so far. */
  reused: number
  revoked: number
}

export type Who = 'a' | 'b'

interface Family {
  owner: Who
  scope: readonly string[]
  expires: number
  ended: boolean
  tokens: readonly Token[]
  access: readonly { value: string; expires: number }[]
}

interface Token {
  value: string
  used: number | undefined
  successor: string | undefined
}

export interface Rules {
  /** Milliseconds. */
  grace: number
  renews: boolean
  familyLife: number
  accessLife: number
}

export type Operation =
  | { kind: 'begin'; by: Who; scope: readonly string[] }
  | { kind: 'renew'; by: Who; token: string; scope: readonly string[] | undefined }
  | { kind: 'revoke'; by: Who; token: string }
  | { kind: 'introspect'; by: Who; token: string }

export type Outcome =
  | { issued: { access: string; refresh: string } }
  | { refused: string }
  | { done: true }
  | { active: boolean }

export const start: State = { families: [], disabled: [], reused: 0, revoked: 0 }

/** The state after an operation that came out so; undefined: it can't have. */
export function apply(
  state: State,
  { grace, renews, familyLife, accessLife }: Rules,
  now: number,
  operation: Operation,
  outcome: Outcome,
): State | undefined {
  switch (operation.kind) {
    case 'begin':
      return begin(operation.by, operation.scope)
    case 'renew':
      return renew(operation.by, operation.token, operation.scope)
    case 'revoke':
      return 'done' in outcome ? revoke(operation.by, operation.token) : undefined
    case 'introspect':
      return 'active' in outcome && outcome.active === isActive(operation.by, operation.token)
        ? state
        : undefined
  }

  function begin(owner: Who, scope: readonly string[]): State | undefined {
    if (!('issued' in outcome) || isKnown(outcome.issued.refresh)) return undefined
    const { access, refresh } = outcome.issued
    const family: Family = {
      owner,
      scope,
      expires: now + familyLife,
      ended: false,
      tokens: [{ value: refresh, used: undefined, successor: undefined }],
      access: [{ value: access, expires: now + accessLife }],
    }
    return { ...state, families: [...state.families, family] }
  }

  function renew(by: Who, value: string, asked: readonly string[] | undefined): State | undefined {
    const family = familyOf(value)
    const token = family?.tokens.find((each) => each.value === value)
    if (family === undefined || token === undefined) return refusal('invalid_grant')
    if (family.owner !== by || family.ended || family.expires <= now)
      return refusal('invalid_grant')
    const fits = asked?.every((name) => family.scope.includes(name)) ?? true
    if (token.used !== undefined) {
      if (!isLostAnswer(family, token)) {
        const ended = changed(family, { ...family, ended: true })
        return refusal('invalid_grant') && { ...ended, reused: state.reused + 1 }
      }
      if (!fits) return refusal('invalid_scope')
      return issues(family, (refresh) => refresh === token.successor, family.tokens)
    }
    if (!fits) return refusal('invalid_scope')
    if (!renews) return issues(family, (refresh) => refresh === value, family.tokens)
    const next = 'issued' in outcome ? outcome.issued.refresh : ''
    return issues(family, (refresh) => !isKnown(refresh), [
      ...family.tokens.map((each) =>
        each === token ? { ...token, used: now, successor: next } : each,
      ),
      { value: next, used: undefined, successor: undefined },
    ])
  }

  /** The old token brings its successor again, within the grace and while that was not used. */
  function isLostAnswer(family: Family, { used = 0, successor }: Token): boolean {
    const next = family.tokens.find(({ value }) => value === successor)
    return grace > 0 && now - used <= grace && next?.used === undefined
  }

  function issues(
    family: Family,
    isRight: (refresh: string) => boolean,
    tokens: readonly Token[],
  ): State | undefined {
    if (!('issued' in outcome) || !isRight(outcome.issued.refresh)) return undefined
    const access = [...family.access, { value: outcome.issued.access, expires: now + accessLife }]
    return changed(family, { ...family, tokens, access })
  }

  function revoke(by: Who, value: string): State {
    const family = familyOf(value)
    if (family === undefined || family.owner !== by || family.ended) return state
    const access = family.access.find((each) => each.value === value)
    if (access !== undefined && access.expires <= now) return state
    return { ...changed(family, { ...family, ended: true }), revoked: state.revoked + 1 }
  }

  function isActive(by: Who, value: string): boolean {
    const family = familyOf(value)
    if (family === undefined || family.owner !== by || family.ended) return false
    if (state.disabled.includes(family.owner)) return false
    const access = family.access.find((each) => each.value === value)
    if (access !== undefined) return access.expires > now
    const token = family.tokens.find((each) => each.value === value)
    return token?.used === undefined && family.expires > now
  }

  function familyOf(value: string): Family | undefined {
    return state.families.find(
      ({ tokens, access }) =>
        tokens.some((each) => each.value === value) || access.some((each) => each.value === value),
    )
  }

  function isKnown(refresh: string): boolean {
    return state.families.some(({ tokens }) => tokens.some(({ value }) => value === refresh))
  }

  function changed(before: Family, after: Family): State {
    return { ...state, families: state.families.map((each) => (each === before ? after : each)) }
  }

  function refusal(error: string): State | undefined {
    return 'refused' in outcome && outcome.refused === error ? state : undefined
  }
}

/** The states that are left when operations came out so, whichever came first. */
export function applyTogether(
  states: readonly State[],
  rules: Rules,
  now: number,
  together: readonly { operation: Operation; outcome: Outcome }[],
): State[] {
  const left = new Map<string, State>()
  const walk = (state: State, rest: typeof together) => {
    if (rest.length === 0) left.set(JSON.stringify(state), state)
    rest.forEach((next, index) => {
      const after = apply(state, rules, now, next.operation, next.outcome)
      if (after !== undefined) walk(after, rest.toSpliced(index, 1))
    })
  }
  for (const state of states) walk(state, together)
  return [...left.values()]
}
