/**
 * Every table and key of `deployment.toml`, closed, with its default. This module loads zod, so it
 * is loaded itself only when a file is read.
 */
import { z } from 'zod'
import type { withDependentDefaults } from './dependent-defaults'
import type { KeyPath } from './lines'
import type { KeySchema } from './problems'
import * as value from './values'

/** Where a password comes from: one of three. */
const password = {
  password: z.string('text').optional(),
  password_file: value.text('a file name').optional(),
  password_env: value.text("an environment variable's name").optional(),
}

const server = z.strictObject({
  hostname: value.hostname().default('localhost'),
  node_ip: value.ipAddress().default('127.0.0.1'),
  port: value.port().default(9443),
  issuer: value.issuer().optional(),
  workers: value.whole(1, 1024).default(1),
  min_tls_version: z.enum(['TLSv1.3', 'TLSv1.2'], '"TLSv1.3" or "TLSv1.2"').default('TLSv1.3'),
  session_tickets: value.boolean().default(false),
  mtls: z.strictObject({ port: value.port().default(9446) }).optional(),
  limits: z
    .strictObject({
      connections: value.whole(1).default(2000),
      requests_per_connection: value.whole(1).default(1000),
      keep_alive_timeout: value.seconds().default(5),
      request_timeout: value.seconds().default(15),
      body_bytes: value.whole(1).default(16_384),
      handler_timeout: value.seconds().default(2),
    })
    .prefault({}),
})

const keystore = z.strictObject({
  tls: z
    .strictObject({
      file_name: value.text('a file name').default('certs/server.pem'),
      key_file_name: value.text('a file name').optional(),
      ...password,
    })
    .prefault({}),
  primary: z
    .strictObject({
      directory: value.text('a folder').default('keys'),
      algorithm: z
        .enum(['ES256', 'ES384', 'RS256', 'PS256'], '"ES256", "ES384", "RS256" or "PS256"')
        .default('ES256'),
      overlap: value.whole(1).optional(),
    })
    .prefault({}),
})

const truststore = z.strictObject({
  file_name: value.text('a file name').default('certs/client-truststore.pem'),
  ...password,
  crl_file_names: z.array(value.text('a file name'), 'a list of file names').default([]),
  crl_policy: z
    .enum(['if-present', 'required'], '"if-present" or "required"')
    .default('if-present'),
  ocsp: z.enum(['off', 'soft', 'hard'], '"off", "soft" or "hard"').default('off'),
  check_registered: value.boolean().default(false),
})

const database = z.strictObject({
  url: value.databaseUrl().optional(),
  url_env: value.text("an environment variable's name").optional(),
  synchronous: z.enum(['FULL', 'NORMAL'], '"FULL" or "NORMAL"').default('FULL'),
})

const superAdmin = z.strictObject({
  username: value.text().default('admin'),
  ...password,
  create_admin_account: value.boolean().default(true),
})

const oauth = z.strictObject({
  token_validation: z
    .strictObject({
      app_access_token_validity: value.whole(1).default(3600),
      user_access_token_validity: value.whole(1).default(3600),
      authorization_code_validity: value.whole(1).default(60),
      refresh_token_validity: value.whole(1).default(2_592_000),
    })
    .prefault({}),
  token_renewal: z
    .strictObject({
      renew_refresh_token: value.boolean().default(true),
      grace: value.whole(0, 30).default(0),
    })
    .prefault({}),
  dcr: z
    .strictObject({
      enable: value.boolean().default(false),
      per_hour: value.whole(1).default(100),
      clients: value.whole(1).default(10_000),
    })
    .prefault({}),
})

const proxy = z.strictObject({
  trusted: z
    .array(value.addressRange(), 'a list of your proxies\' addresses, like ["10.0.0.0/8"]')
    .refine((ranges) => ranges.length > 0, 'a list with at least one address range'),
  header: value.headerName().optional(),
  format: z
    .enum(
      ['rfc9440', 'nginx', 'haproxy', 'envoy', 'traefik', 'aws-alb', 'cloudflare'],
      'one of rfc9440, nginx, haproxy, envoy, traefik, aws-alb, cloudflare',
    )
    .default('rfc9440'),
  verified_header: value.headerName(
    'the header that says whether the proxy verified the certificate, or "none"',
  ),
  verified_value: value.text().optional(),
  address_header: value.headerName().optional(),
  peer_certificate_sha256: z
    .array(value.certificateSha256(), 'a list of SHA-256 values')
    .default([]),
})

const eventListener = z.strictObject({
  id: value.text().optional(),
  type: value.text().default('org.wso2.carbon.identity.core.handler.AbstractIdentityHandler'),
  name: value.text("a handler's name"),
  order: value.whole(0, 100_000).optional(),
  enable: value.boolean().default(true),
  properties: value.table().default({}),
})

export const settingsSchema = z.strictObject({
  plugins: z.array(value.packageName(), 'a list of npm package names').default([]),
  server: server.prefault({}),
  keystore: keystore.prefault({}),
  truststore: truststore.optional(),
  database: database.prefault({}),
  super_admin: superAdmin.prefault({}),
  oauth: oauth.prefault({}),
  throttle: z
    .strictObject({ failures: value.whole(1).default(10), window: value.seconds().default(60) })
    .prefault({}),
  proxy: proxy.optional(),
  console: listener(9444).optional(),
  metrics: listener(9445).optional(),
  event_listener: z.array(eventListener, 'a list of tables, [[event_listener]]').default([]),
})

/** What may be written at a key. */
export function schemaAt(key: KeyPath): KeySchema | undefined {
  jsonSchema ??= z.toJSONSchema(settingsSchema, { unrepresentable: 'any' }) as KeySchema
  return key.reduce<KeySchema | undefined>(
    (outer, part) => (typeof part === 'number' ? outer?.items : outer?.properties?.[part]),
    jsonSchema,
  )
}

let jsonSchema: KeySchema | undefined

function listener(port: number) {
  return z.strictObject({
    node_ip: value.ipAddress().default('127.0.0.1'),
    port: value.port().default(port),
  })
}

/** As written, before the defaults that depend on other keys. */
export type WrittenSettings = z.output<typeof settingsSchema>

export type Settings = ReturnType<typeof withDependentDefaults>
