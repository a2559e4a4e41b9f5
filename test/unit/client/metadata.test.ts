import { type ClientMetadata, checkMetadata } from '../../../lib/client/metadata'

const refusal = async (metadata: object) =>
  checkMetadata(metadata as ClientMetadata).then(
    () => 'accepted',
    ({ code, reason, description }) => `${code} ${reason} ${description}`,
  )

test('a client that says nothing gets the defaults', async () => {
  expect((await checkMetadata({})).metadata).toEqual({
    client_name: undefined,
    token_endpoint_auth_method: 'mtls-secret',
    grant_types: ['client_credentials'],
    scope: '',
    redirect_uris: [],
    resources: [],
    resource_server: undefined,
    jwks: undefined,
    without_certificate: false,
    tls_identity: undefined,
  })
})

test.each<[string, object]>([
  ['an unknown field', { client_nam: 'x' }],
  ['a URL to fetch keys from', { jwks_uri: 'https://a.example/jwks' }],
  ['its own id', { client_id: 'mine' }],
  ['__proto__', JSON.parse('{"__proto__": {"scope": "admin"}, "__proto": 1}')],
  ['a name that is no text', { client_name: 7 }],
  ['an empty name', { client_name: '' }],
  ['a name with a line break', { client_name: 'a\nb' }],
  ['a name with a NUL', { client_name: 'a\0b' }],
  ['a name with half a character', { client_name: 'a\ud800' }],
  ['a name that is read backwards', { client_name: 'evil\u202eknab' }],
  ['a name with another end of line', { client_name: 'a\u2028b' }],
  ['a name of 201 characters', { client_name: 'a'.repeat(201) }],
  ['a method that is no word', { token_endpoint_auth_method: '../../x' }],
  ['no grant at all', { grant_types: [] }],
  ['a misspelt grant', { grant_types: ['client_credential'] }],
  ['a grant twice', { grant_types: ['password', 'password'] }],
  ['grants in a string', { grant_types: 'password' }],
  ['two blanks in a scope', { scope: 'a  b' }],
  ['a blank around a scope', { scope: ' a' }],
  ['a quote in a scope', { scope: 'a"b' }],
  ['a backslash in a scope', { scope: 'a\\b' }],
  ['a control character in a scope', { scope: 'a\u0007' }],
  ['a scope twice', { scope: 'a b a' }],
  ['a relative resource', { resources: ['/api'] }],
  ['a resource with a fragment', { resources: ['https://api.example/#x'] }],
  ['a resource server that is no URI', { resource_server: 'api' }],
  ['two names', { tls_client_auth_san_dns: 'a', tls_client_auth_san_ip: '192.0.2.1' }],
  ['a subject that is no name', { tls_client_auth_subject_dn: 'billing' }],
  ['an IP address that is none', { tls_client_auth_san_ip: '192.0.2.256' }],
  ['an e-mail address that is none', { tls_client_auth_san_email: 'billing' }],
  ['a URI that is none', { tls_client_auth_san_uri: 'billing' }],
  ['an issuer alone', { tls_client_auth_issuer: 'A'.repeat(43) }],
  ['an issuer that is no thumbprint', { tls_client_auth_issuer: 'ca.pem' }],
  ['truthy text for true', { without_certificate: 'true' }],
])('refuses %s', async (_, metadata) => {
  expect(await refusal(metadata)).toMatch(/^invalid_client_metadata client_metadata /)
})

test.each<[string, object]>([
  ['a redirect URI that is unsafe', { redirect_uris: ['http://app.example/cb'] }],
  ['redirect URIs in a string', { redirect_uris: 'https://app.example/cb' }],
  ['the code grant without any', { grant_types: ['authorization_code'] }],
])('refuses %s', async (_, metadata) => {
  expect(await refusal(metadata)).toMatch(/^invalid_redirect_uri redirect_uri redirect_uris/)
})

test('names the field and never repeats its value', async () => {
  const canary = 'CANARY\n"'
  for (const metadata of [
    { client_name: canary },
    { scope: canary },
    { grant_types: [canary] },
    { redirect_uris: [canary] },
    { resources: [canary] },
    { token_endpoint_auth_method: canary },
    { tls_client_auth_san_ip: canary },
    { jwks: canary },
  ]) {
    const [field = ''] = Object.keys(metadata)
    expect(await refusal(metadata)).toContain(field)
    expect(await refusal(metadata)).not.toContain('CANARY')
  }
  expect(await refusal({ redirect_uris: ['https://a.example', 'x'] })).toContain(
    'redirect_uris[1]: ',
  )
})

test.each(['urn:ietf:params:oauth:grant-type:jwt-bearer', 'iwa:ntlm', 'https://acme.example/x'])(
  'accepts the extension grant %s',
  async (grant) => {
    const { metadata } = await checkMetadata({ grant_types: [grant] })
    expect(metadata.grant_types).toEqual([grant])
  },
)

test('16 KiB of one character are refused in no time', async () => {
  await refusal({})
  const long = 'a'.repeat(16_384)
  const start = process.hrtime.bigint()
  for (const field of ['client_name', 'scope', 'tls_client_auth_subject_dn', 'resource_server']) {
    expect(await refusal({ [field]: long })).toContain(field)
  }
  expect(await refusal({ redirect_uris: [`https://a/${long}`] })).toContain('redirect_uris')
  expect(Number(process.hrtime.bigint() - start) / 1e6).toBeLessThan(100)
})
