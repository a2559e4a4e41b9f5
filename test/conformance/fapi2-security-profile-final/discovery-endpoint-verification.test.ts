import { useWorld } from '../../support/conformance'

const world = useWorld()

test('the metadata names what the profile asks for, under the issuer that it was fetched from', async () => {
  const { json } = await world().get('/.well-known/oauth-authorization-server')
  expect(json).toMatchObject({
    issuer: world().url,
    pushed_authorization_request_endpoint: expect.stringMatching(/^https:/),
    authorization_endpoint: expect.stringMatching(/^https:/),
    token_endpoint: expect.stringMatching(/^https:/),
    jwks_uri: expect.stringMatching(/^https:/),
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    tls_client_certificate_bound_access_tokens: true,
  })
  expect(json.token_endpoint_auth_methods_supported).not.toContain('none')
  expect(json.grant_types_supported).not.toContain('implicit')
})
