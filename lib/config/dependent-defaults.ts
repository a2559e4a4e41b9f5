/**
 * Defaults that hang on what stands at other keys. They come after the contradictions, which must
 * tell what was written from what was not.
 */
import type { WrittenSettings } from './schema'

export function withDependentDefaults(settings: WrittenSettings) {
  const { keystore, database, super_admin, oauth, proxy, event_listener } = settings
  return {
    ...settings,
    keystore: {
      tls: withKeyFile(keystore.tls),
      primary: { ...keystore.primary, overlap: keystore.primary.overlap ?? overlapFor(oauth) },
    },
    database:
      database.url_env === undefined
        ? { ...database, url: database.url ?? 'sqlite:data/mtls-secret.db' }
        : database,
    super_admin:
      super_admin.password_file === undefined && super_admin.password_env === undefined
        ? { ...super_admin, password: super_admin.password ?? 'admin' }
        : super_admin,
    proxy: proxy && withFormat(proxy),
    event_listener: event_listener.map(({ id, ...entry }) => ({ id: id ?? entry.name, ...entry })),
  }
}

/** Named by its ending: a keystore, which holds its key itself. */
export function isKeystore(file_name: string): boolean {
  return /\.(p12|pfx|pkcs12|jks)$/i.test(file_name)
}

/** A keystore of an unusual name is told from its bytes when it is read; the key file is not looked at then. */
function withKeyFile({ key_file_name, ...tls }: WrittenSettings['keystore']['tls']) {
  const absent = isKeystore(tls.file_name) ? undefined : 'certs/server.key'
  return { ...tls, key_file_name: key_file_name ?? absent }
}

/** A replaced key must stay published as long as a token that it signed may live. */
function overlapFor({ token_validation }: WrittenSettings['oauth']): number {
  const { app_access_token_validity, user_access_token_validity } = token_validation
  return Math.max(7200, app_access_token_validity, user_access_token_validity)
}

/** The names that the proxy's format brings. */
export function withFormat({
  header,
  verified_value,
  ...proxy
}: NonNullable<WrittenSettings['proxy']>) {
  const sent = sentBy[proxy.format]
  return {
    ...proxy,
    header: header ?? sent?.header ?? 'client-cert',
    verified_value: verified_value ?? sent?.verified_value ?? 'SUCCESS',
  }
}

/** What a proxy sends, where it is not what RFC 9440 and nginx make usual. */
const sentBy: Partial<Record<string, { header?: string; verified_value?: string }>> = {
  haproxy: { verified_value: '0' },
  envoy: { header: 'x-forwarded-client-cert' },
  traefik: { header: 'x-forwarded-tls-client-cert' },
  'aws-alb': { header: 'x-amzn-mtls-clientcert-leaf' },
  cloudflare: { header: 'cf-client-cert-der-base64', verified_value: 'true' },
}
