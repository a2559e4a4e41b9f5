import type { Answer } from './options'

/** Throws an `Error` with the problem unless it holds. */
export function must(holds: boolean, problem: string): asserts holds {
  if (!holds) throw new Error(problem)
}

/** A token answer; gives the claims of its access token. */
export function mustGive(answer: Answer, what: string): Claims {
  const { status, body } = answer
  must(status === 200, `${what}: expected a token, found ${told(answer)}`)
  must(body.token_type === 'Bearer', `${what}: token_type is ${JSON.stringify(body.token_type)}`)
  const { access_token } = body
  must(typeof access_token === 'string', `${what}: there is no access_token`)
  return JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString())
}

export type Claims = Record<string, unknown> & { cnf?: { 'x5t#S256': string } }

/** The one answer that every failed authentication gets: 401, and nothing that tells why. */
export function mustRefuse(answer: Answer, what: string): void {
  must(answer.status === 401, `${what}: expected 401 invalid_client, found ${told(answer)}`)
  must(answer.text === refused, `${what}: the body tells more than it may: ${answer.text}`)
  mustSayNothing(answer, what)
}

/** Refused in whatever way, but by a decision: nothing broke, and nothing was issued. */
export function mustDeny(answer: Answer, what: string, error?: string): void {
  const { status, body } = answer
  must(status === 400 || status === 401, `${what}: expected a refusal, found ${told(answer)}`)
  must(
    error === undefined || body.error === error,
    `${what}: expected ${error}, found ${told(answer)}`,
  )
  mustSayNothing(answer, what)
}

/** Nobody knows: 503, to be tried again. */
export function mustFail(answer: Answer, what: string): void {
  must(answer.status === 503, `${what}: expected 503, found ${told(answer)}`)
  mustSayNothing(answer, what)
}

function mustSayNothing({ body, headers }: Answer, what: string): void {
  must(!('access_token' in body), `${what}: a token was given`)
  must(headers['cache-control'] === 'no-store', `${what}: the answer may be stored`)
}

export function told({ status, text }: Answer): string {
  return `${status} ${text.slice(0, 200)}`
}

const refused = JSON.stringify({
  error: 'invalid_client',
  error_description: 'Client authentication failed.',
})
