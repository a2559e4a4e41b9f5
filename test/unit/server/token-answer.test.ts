import { type TokenAnswer, tokenAnswerText } from '../../../lib/server/token-answer'

const least: TokenAnswer = { access_token: 'a.b-c.d_e', token_type: 'Bearer', expires_in: 3600 }

describe('the JSON of a token answer', () => {
  test.each<[string, Partial<TokenAnswer>]>([
    ['an access token alone', {}],
    ['a scope', { scope: 'accounts:read accounts:write' }],
    ['a refresh token and an id token', { refresh_token: 'r-_1', id_token: 'x.y.z', scope: 'a' }],
  ])('says what JSON.stringify would, with %s', (_, more) => {
    const answer = { ...least, ...more }
    expect(JSON.parse(tokenAnswerText(answer))).toEqual(answer)
  })

  test('stays one object, whatever stands in a scope or a refresh token that a plugin made', () => {
    const answer = { ...least, refresh_token: '","scope":"admin', scope: 'a"}\\\u2028' }
    expect(JSON.parse(tokenAnswerText(answer))).toEqual(answer)
  })
})
