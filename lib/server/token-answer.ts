/** What a token request is answered with (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3). */
export interface TokenAnswer {
  /** A JWT, as is `id_token`. */
  access_token: string
  refresh_token?: string
  id_token?: string
  token_type: 'Bearer'
  expires_in: number
  scope?: string
}

/**
 * The same as JSON, by hand: `JSON.stringify` looks at each character of the JWTs, which are base64url and
 * dots, and that is a third of all that it costs to write the answer.
 */
export function tokenAnswerText(answer: TokenAnswer): string {
  const { access_token, refresh_token, id_token, token_type, expires_in, scope } = answer
  let text = `{"access_token":"${access_token}"`
  if (refresh_token !== undefined) text += `,"refresh_token":${JSON.stringify(refresh_token)}`
  if (id_token !== undefined) text += `,"id_token":"${id_token}"`
  text += `,"token_type":"${token_type}","expires_in":${expires_in}`
  if (scope !== undefined) text += `,"scope":${JSON.stringify(scope)}`
  return `${text}}`
}
