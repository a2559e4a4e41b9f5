/**
 * Each key of WSO2's `deployment.toml` that has a meaning here, and for the others the reason why
 * they have none.
 */
import type { Wso2Document } from './document'
import { changed, leftOut, type Outcome, used } from './outcome'

type Rule = (value: unknown, wso2: Wso2Document, key: string) => Outcome

export function ruleOf(key: string): Rule {
  if (Object.hasOwn(rules, key)) return rules[key] ?? nothingLikeIt
  return nothingLikeIt
}

const same: Rule = (value, _, key) => used('The same key here.', { [key]: value })

const leave =
  (reason: string): Rule =>
  () =>
    leftOut(reason)

const toldFromBytes = leave('PEM, PKCS12 and JKS are told from the bytes.')
const oneKey = leave('The keystore is expected to hold one key.')
const everyCertificate = leave('Every certificate in it is read.')
const asked = leave(
  'Every caller is asked for a certificate, and a client must show one by its own method; [server.mtls] is a port that demands one of all.',
)

const port: Rule = (_, wso2) => {
  const base = Number(wso2.value('transport.https.properties.port') ?? 9443)
  const sum = base + Number(wso2.value('server.offset') ?? 0)
  return changed(`The port, with the offset, is ${sum}.`, { 'server.port': sum })
}

const basePath: Rule = (value) =>
  typeof value === 'string' && !value.includes('$')
    ? changed('It becomes the issuer.', { 'server.issuer': value.replace(/\/$/, '') })
    : leftOut('The issuer is made of hostname and port.')

const proxyPort: Rule = (value, wso2) => {
  const url = `https://${wso2.value('server.hostname') ?? 'localhost'}:${value}`
  return URL.canParse(url)
    ? changed("Callers see the proxy's port, so it stands in the issuer.", {
        'server.issuer': new URL(url).origin,
      })
    : leftOut('It is no port.')
}

const protocols: Rule = (value) => {
  const versions = String(value).split(/[\s,+]+/)
  return versions.every((version) => version === '' || version === 'TLSv1.3')
    ? used('TLS 1.3 alone.', { 'server.min_tls_version': 'TLSv1.3' })
    : changed('TLS 1.2 stays allowed; older versions are refused.', {
        'server.min_tls_version': 'TLSv1.2',
      })
}

const fileName =
  (ours: string): Rule =>
  (value, wso2) => {
    const { path, found } = wso2.path(String(value))
    return changed(found ? `Found at ${path}.` : `Not found: it should lie at ${path}.`, {
      [ours]: path,
    })
  }

/** WSO2 points to its vault, the environment or the JVM; here a variable may hold the password. */
const password =
  (table: string): Rule =>
  (value) => {
    const [, kind, name = ''] = /^\$(env|sys|secret)\{([^}]+)\}$/.exec(String(value)) ?? []
    if (kind === undefined) {
      return used('As it is; password_file or password_env keeps it out of the file.', {
        [`${table}.password`]: value,
      })
    }
    const variable = kind === 'env' ? name : name.toUpperCase().replace(/\W/g, '_')
    return changed(`Set the environment variable ${variable} to the password.`, {
      [`${table}.password_env`]: variable,
    })
  }

const keyPassword =
  (other: string): Rule =>
  (value, wso2) =>
    value === wso2.value(other)
      ? leftOut('It is the password of the keystore.')
      : leftOut('The key must have the password of its keystore: keytool -keypasswd changes it.')

/** Without `[keystore.tls]`, WSO2 shows the certificate of its primary keystore. */
const primary =
  (rule: Rule): Rule =>
  (value, wso2, key) => {
    if (wso2.leaves.some((leaf) => leaf.key.startsWith('keystore.tls.'))) {
      return leftOut('Tokens are signed with keys of their own, in [keystore.primary] directory.')
    }
    const outcome = rule(value, wso2, key)
    return outcome.outcome === 'left out'
      ? outcome
      : changed(`It is [keystore.tls] here. ${outcome.reason}`, outcome.write)
  }

/** WSO2 takes a negative number for "never". */
const validity: Rule = (value, wso2, key) =>
  Number(value) > 0 && Number(value) < 3_000_000_000
    ? same(value, wso2, key)
    : leftOut('No token lives for ever here: the default stands.')

const rules: Record<string, Rule> = {
  'server.hostname': same,
  'server.node_ip': same,
  'server.offset': port,
  'server.base_path': basePath,
  'transport.https.properties.port': port,
  'transport.https.properties.proxyPort': proxyPort,
  'transport.https.properties.clientAuth': asked,
  'transport.https.sslHostConfig.properties.certificateVerification': asked,
  'transport.https.sslHostConfig.properties.protocols': protocols,
  'transport.https.sslHostConfig.properties.ciphers': leave('Node and TLS 1.3 choose them.'),

  'keystore.tls.file_name': fileName('keystore.tls.file_name'),
  'keystore.tls.password': password('keystore.tls'),
  'keystore.tls.type': toldFromBytes,
  'keystore.tls.alias': oneKey,
  'keystore.tls.key_password': keyPassword('keystore.tls.password'),
  'keystore.primary.file_name': primary(fileName('keystore.tls.file_name')),
  'keystore.primary.password': primary(password('keystore.tls')),
  'keystore.primary.type': toldFromBytes,
  'keystore.primary.alias': oneKey,
  'keystore.primary.key_password': primary(keyPassword('keystore.primary.password')),

  'truststore.file_name': fileName('truststore.file_name'),
  'truststore.password': password('truststore'),
  'truststore.type': toldFromBytes,
  'truststore.alias': everyCertificate,
  'truststore.algorithm': everyCertificate,

  'super_admin.username': same,
  'super_admin.password': password('super_admin'),
  'super_admin.create_admin_account': same,

  'oauth.token_validation.app_access_token_validity': validity,
  'oauth.token_validation.user_access_token_validity': validity,
  'oauth.token_validation.authorization_code_validity': validity,
  'oauth.token_validation.refresh_token_validity': validity,
  'oauth.token_renewal.renew_refresh_token': same,
  'oauth.dcr.enable': same,
}

const nothingLikeIt: Rule = (_value, _wso2, key) => {
  const [, reason] = absent.find(([prefix]) => key === prefix || key.startsWith(`${prefix}.`)) ?? []
  return leftOut(reason ?? 'There is nothing like it here.')
}

const absent: readonly (readonly [string, string])[] = [
  ['database', 'This server keeps its own data: [database] url.'],
  ['datasource', 'This server keeps its own data: [database] url.'],
  ['user_store', "Accounts are in this server's own database: user create."],
  ['oauth.custom_grant_type', 'A grant of your own is a plugin here.'],
  ['oauth.hash_tokens_and_secrets', 'Always so here.'],
  ['oauth.grant_type', 'A grant of your own is a plugin here.'],
  ['encryption', 'Nothing is encrypted at rest: secrets and tokens are stored as digests.'],
]
