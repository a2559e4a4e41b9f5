import { redirectUriProblem, resourceProblem } from '../../../lib/client/uri'

describe('redirect URIs', () => {
  test.each([
    'https://app.example/cb',
    'https://app.example',
    'https://app.example:8443/cb?x=1&y=%2F',
    'http://localhost:3000/cb',
    'http://127.0.0.1/cb',
    'http://[::1]:8080/cb',
    'com.example.app:/oauth/cb',
  ])('accepts %s', (uri) => {
    expect(redirectUriProblem(uri)).toBeUndefined()
  })

  test.each([
    'javascript:alert(1)',
    'data:text/html,hi',
    'file:///etc/passwd',
    'myapp:/cb',
    'http://app.example/cb',
    'http://localhost.evil.example/cb',
    'http://127.0.0.1.evil.example/cb',
    'https://app.example/cb#fragment',
    'https://app.example/cb#',
    'https://user@app.example/cb',
    'https://user:secret@app.example/cb',
    'https://@app.example/cb',
    'https://app.example@evil.example/cb',
    'https://*.app.example/cb',
    'https://app.example/*',
    'https://app.example/a/../cb',
    'https://app.example/a/%2e%2e/cb',
    'https://app.example/a/..%2fcb',
    'https://app.example/./cb',
    'https://app.example/cb%0d%0aLocation:x',
    'https://app.example/cb%00',
    'https://app.example/cb\r\n',
    'https://app.example\\cb',
    'https://app.example/a\\..\\cb',
    'https:\\\\app.example/cb',
    'https:app.example/cb',
    'https:///app.example/cb',
    'HTTPS://app.example/cb',
    'https://APP.example/cb',
    'https://app.example:443/cb',
    'https://0x7f.1/cb',
    'https://app.example;script-src/cb',
    "https://app.example'unsafe-inline'/cb",
    'https://app.example/%zz',
    'https://app.example/%ff',
    'https://äpp.example/cb',
    ' https://app.example/cb',
    'https://app.example/c b',
    '/cb',
    'app.example/cb',
    '',
    `https://app.example/${'a'.repeat(3000)}`,
  ])('refuses %j', (uri) => {
    expect(redirectUriProblem(uri)).toEqual(expect.any(String))
  })

  test('never repeats the URI in what it says', () => {
    expect(redirectUriProblem('https://CANARY.example/cb')).not.toMatch(/CANARY/i)
  })
})

describe('resources (RFC 8707 section 2)', () => {
  test.each(['https://api.example', 'https://api.example/v1', 'urn:example:api'])(
    'accepts %s',
    (uri) => expect(resourceProblem(uri)).toBeUndefined(),
  )

  test.each(['/v1', 'api.example', 'https://api.example/#x', 'https://api.example/#', 'a b:c', ''])(
    'refuses %j',
    (uri) => expect(resourceProblem(uri)).toEqual(expect.any(String)),
  )
})
