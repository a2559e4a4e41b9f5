import type { NewClient } from '../client/new-client'
import type { AnyPlugin } from '../plugin/chain'
import { testCertificates } from './certificates'
import type { PluginTest, TestClient, TestServer } from './options'
import { type Sending, send } from './send'

/** A request whose fields may be changed one by one. */
export interface Request extends Sending {
  form: Record<string, string>
}

const usualGrants = ['client_credentials', 'refresh_token']

/** `client-a` or `client-b`, of the plugin's method where it is one. */
export async function registerClient(
  name: 'a' | 'b',
  plugin: AnyPlugin,
  test: PluginTest,
  more: Partial<NewClient>,
  server: TestServer,
): Promise<TestClient> {
  const certificate = testCertificates()[name]
  const client_id = `client-${name}`
  const own = test.clientAuth?.client?.({ client_id, certificate }) ?? {}
  const wish = { ...test.grant?.client, ...own, ...more }
  const named = Object.keys(wish).some((key) => key.startsWith('tls_client_auth_'))
  const { client_secret = '' } = await server.server.clients.create({
    client_id,
    client_name: client_id,
    token_endpoint_auth_method: test.clientAuth ? plugin.name : 'mtls-secret',
    scope: 'read write',
    ...(named ? {} : { certificate: certificate.cert }),
    grant_types: [...new Set([...usualGrants, test.grant?.grant_type ?? 'client_credentials'])],
    ...wish,
  })
  const client: TestClient = {
    client_id,
    client_secret,
    certificate,
    server,
    async ask(parameters) {
      const { form, ...how } = await signedRequest(client, test)
      return send(server.url, '/oauth2/token', { ...how, form: { ...form, ...parameters } })
    },
  }
  return client
}

/** The client's own proof and certificate, and what is asked for. */
export async function goodRequest(client: TestClient, test: PluginTest): Promise<Request> {
  const { form, ...how } = await signedRequest(client, test)
  const { grant_type } = test.grant ?? { grant_type: 'client_credentials' }
  return { ...how, form: { grant_type, ...(await test.grant?.parameters(client)), ...form } }
}

/** The same without anything that is asked for. */
export async function signedRequest(client: TestClient, test: PluginTest): Promise<Request> {
  const { client_id, client_secret, certificate } = client
  if (test.clientAuth === undefined) return { form: { client_id, client_secret }, certificate }
  const { parameters = {}, headers } = await test.clientAuth.sign(client)
  return { form: parameters, headers, certificate }
}
