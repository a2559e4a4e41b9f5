/**
 * What WSO2 calls a handler, and what it is called here: the one table. A Java class name that is
 * not in it is refused, and nothing is ever loaded by such a name.
 */

/** Contribution kinds, by the words that `type` may use. */
export const typeAliases: Readonly<Record<string, HandlerType>> = {
  'client-auth': 'client-auth',
  grant: 'grant',
  listener: 'listener',
  // WSO2 has two base classes for everything: they say nothing about the kind.
  'org.wso2.carbon.identity.core.handler.AbstractIdentityHandler': 'any',
  'org.wso2.carbon.identity.core.handler.AbstractIdentityMessageHandler': 'any',
}

export type HandlerType = 'client-auth' | 'grant' | 'listener' | 'any'

const clientAuth = 'org.wso2.carbon.identity.oauth2.token.handler.clientauth'
const clientAuthCore = 'org.wso2.carbon.identity.oauth2.client.authentication'
const grantCore = 'org.wso2.carbon.identity.oauth2.token.handlers.grant'

/** Plugin names, by WSO2's Java class names. */
export const nameAliases: Readonly<Record<string, string>> = {
  [`${clientAuth}.tlswithidsecret.MutualTLSWithIdSecretAuthenticator`]: 'mtls-secret',
  [`${clientAuth}.mutualtls.MutualTLSClientAuthenticator`]: 'tls_client_auth',
  [`${clientAuth}.jwt.PrivateKeyJWTClientAuthenticator`]: 'private_key_jwt',
  [`${clientAuthCore}.BasicAuthClientAuthenticator`]: 'client_secret_basic',
  [`${grantCore}.ClientCredentialsGrantHandler`]: 'client_credentials',
  [`${grantCore}.PasswordGrantHandler`]: 'password',
  [`${grantCore}.RefreshGrantHandler`]: 'refresh_token',
  [`${grantCore}.AuthorizationCodeGrantHandler`]: 'authorization_code',
}
