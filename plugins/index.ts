import { clientSecretBasic, clientSecretPost } from './client-auth/client-secret'
import { mtlsSecret } from './client-auth/mtls-secret'
import { privateKeyJwt } from './client-auth/private-key-jwt'
import { selfSignedTlsClientAuth, tlsClientAuth } from './client-auth/tls-client-auth'
import { authorizationCode } from './grant/authorization-code'
import { clientCredentials } from './grant/client-credentials'
import { password } from './grant/password'
import { refreshToken } from './grant/refresh-token'
import { auditLog } from './listener/audit-log'

/** The only list of what is built in. Those with an `order` are on unless turned off. */
export const standardPlugins = Object.freeze([
  mtlsSecret,
  clientSecretBasic,
  clientSecretPost,
  tlsClientAuth,
  selfSignedTlsClientAuth,
  privateKeyJwt,
  authorizationCode,
  clientCredentials,
  password,
  refreshToken,
  auditLog,
] as const)
