/** `mtls-secret`: the public names, and nothing else. */

export { standardPlugins } from '../plugins'
export type { Presented } from './certificate/presented'
export { fromProxyHeader } from './certificate/proxy-header'
export type { CertificateSource } from './certificate/source'
export { openTrust, type Trust } from './certificate/trust'
export type { Client } from './client/client'
export {
  type AuthorizationServer,
  createAuthorizationServer,
} from './create-authorization-server'
export { OAuthError, type OAuthErrorCode } from './error/oauth-error'
export { SetupError } from './error/setup-error'
export { type RequireTokenOptions, requireToken } from './express/require-token'
export {
  MtlsSecretStrategy,
  type StrategyOptions,
  type Verify,
  type VerifyOptions,
} from './express/strategy'
export { type Deployment, loadDeployment } from './load-deployment'
export type { AuthorizationServerOptions } from './options'
export { serve } from './service/serve'
export { serverOptions } from './service/server-options'
export type { Service } from './service/service'
export { remoteKeys } from './token/remote-keys'
