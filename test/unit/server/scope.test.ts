import { grantAudience, grantScope } from '../../../lib/server/scope'

const issuer = 'https://id.example'
const [one, two, other] = ['https://one.example', 'https://two.example', 'https://other.example']

describe('the audience (RFC 8707)', () => {
  const cases: [string, string[], string[], string | undefined, string | undefined][] = [
    ['nothing asked, ever: the issuer', [one], [], undefined, issuer],
    ['the issuer asked for', [one], [], issuer, issuer],
    ['a registered resource', [one, two], [], two, two],
    ['one that is not registered', [one], [], other, undefined],
    ['a narrowed grant, nothing asked: what it was narrowed to', [one, two], [two], undefined, two],
    ['a narrowed grant, the same asked', [one, two], [two], two, two],
    ['a narrowed grant, another registered one', [one, two], [two], one, undefined],
    ['a narrowed grant, the issuer', [one, two], [two], issuer, undefined],
    ['narrowed to what the client has lost since', [one], [two], undefined, undefined],
  ]
  test.each(cases)('%s', (_what, registered, granted, asked, audience) => {
    const judge = () => grantAudience(registered, granted, asked, issuer)
    if (audience === undefined) expect(judge).toThrow('invalid_target')
    else expect(judge()).toBe(audience)
  })
})

describe('the scope', () => {
  test('is all when none is asked for', () => {
    expect(grantScope('a b', undefined)).toBe('a b')
  })
  test('is what is asked for, each name once, in the order asked', () => {
    expect(grantScope('a b c', 'c  a c')).toBe('c a')
  })
  test.each(['d', 'a d', 'A', 'a\tb', 'toString'])('%j is refused whole', (asked) => {
    expect(() => grantScope('a b c', asked)).toThrow('invalid_scope')
  })
})
