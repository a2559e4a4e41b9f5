import { resourceProblem } from './uri'

/** RFC 6749 section 4: the grants that have a plain name; every other is an absolute URI. */
const plainGrants = ['authorization_code', 'client_credentials', 'password', 'refresh_token']

export const grantTypeProblem = `is neither ${plainGrants.join(', ')} nor an absolute URI`

export function isGrantType(text: string): boolean {
  return plainGrants.includes(text) || resourceProblem(text) === undefined
}
