/** Our attack cases, on every handler that is built in and on plugins as others write them. */
import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto'
import type { PluginTest, TestClient } from '../../lib/plugin-testing'
import { testPlugin } from '../../lib/plugin-testing'
import { digestOpaque, newOpaqueToken } from '../../lib/token/opaque'
import { standardPlugins } from '../../plugins'
import { familyGrant } from '../support/family-grant'

const secretInForm = ({ client_id, client_secret }: TestClient) => ({
  parameters: { client_id, client_secret },
})

const keys = {
  'client-a': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'client-b': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function assertion({ client_id, server }: TestClient): string {
  const seconds = Math.floor(Date.now() / 1000)
  const claims = { iss: client_id, sub: client_id, aud: server.url, jti: randomUUID() }
  const text = `${part({ alg: 'ES256' })}.${part({ ...claims, exp: seconds + 60 })}`
  const { privateKey } = keys[client_id as keyof typeof keys]
  const signing = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${text}.${createSign('sha256').update(text).sign(signing, 'base64url')}`
}

const verifier = 'v'.repeat(43)

async function code({ client_id, server }: TestClient): Promise<Record<string, string>> {
  const code = newOpaqueToken()
  await server.store.insertCode({
    digest: digestOpaque(code),
    grant_id: randomUUID(),
    client_id,
    sub: 'somebody',
    scope: 'read',
    resources: [],
    redirect_uri: 'https://app.example/cb',
    code_challenge: digestOpaque(verifier),
    nonce: undefined,
    auth_time: Date.now(),
    expires: Date.now() + 60_000,
    used: undefined,
  })
  return { code, redirect_uri: 'https://app.example/cb', code_verifier: verifier }
}

const tests: Record<string, PluginTest> = {
  'mtls-secret': { clientAuth: { sign: secretInForm } },
  client_secret_post: { clientAuth: { sign: secretInForm, certificate: 'optional' } },
  client_secret_basic: {
    clientAuth: {
      sign: ({ client_id, client_secret }) => ({
        headers: {
          authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
        },
      }),
      certificate: 'optional',
    },
  },
  tls_client_auth: {
    truststore: true,
    clientAuth: {
      client: ({ client_id }) => ({ tls_client_auth_subject_dn: `CN=${client_id}` }),
      sign: ({ client_id }) => ({ parameters: { client_id } }),
    },
  },
  self_signed_tls_client_auth: {
    clientAuth: { sign: ({ client_id }) => ({ parameters: { client_id } }) },
  },
  private_key_jwt: {
    clientAuth: {
      client: ({ client_id }) => ({
        jwks: {
          keys: [{ ...keys[client_id as keyof typeof keys].publicKey.export({ format: 'jwk' }) }],
        },
      }),
      sign: (client) => ({
        parameters: {
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion(client),
        },
      }),
      certificate: 'optional',
      singleUse: true,
    },
  },
  client_credentials: {
    grant: { grant_type: 'client_credentials', parameters: () => ({}), anyClient: true },
  },
  password: {
    prepare: async ({ server }) => {
      await server.accounts.create('anna', 'a password')
    },
    grant: {
      grant_type: 'password',
      parameters: () => ({ username: 'anna', password: 'a password' }),
      anyClient: true,
    },
  },
  refresh_token: {
    beside: [familyGrant],
    grant: {
      grant_type: 'refresh_token',
      client: { grant_types: ['refresh_token', 'urn:test:family'] },
      async parameters(client) {
        const { body } = await client.ask({ grant_type: 'urn:test:family' })
        return { refresh_token: String(body.refresh_token) }
      },
      singleUse: true,
    },
  },
  authorization_code: {
    grant: {
      grant_type: 'authorization_code',
      client: { redirect_uris: ['https://app.example/cb'] },
      parameters: code,
      singleUse: true,
    },
  },
  'audit-log': {},
}

describe.each(standardPlugins.map((plugin) => [plugin.name, plugin] as const))(
  '%s',
  (name, plugin) => {
    testPlugin(plugin, tests[name] ?? {}, test)
  },
)
