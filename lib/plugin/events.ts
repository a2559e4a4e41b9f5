import type { Reason } from '../error/reasons'
import type { PluginClient, TokenRequest } from './token-request'

/** The facts that every audit event carries, so that one line tells who, from where and which request. */
export interface RequestFacts {
  readonly client_id: string | undefined
  /** First 16 characters of the presented certificate's `x5t#S256`. */
  readonly thumbprint: string | undefined
  readonly ip: string | undefined
  readonly request_id: string
}

export interface ServerEvents {
  /** Before tokens are made; what it returns is added to the access token's claims. */
  beforeIssue: {
    readonly client: PluginClient
    readonly request: TokenRequest
    readonly sub: string
    readonly scope: string
  }
  issued: RequestFacts & {
    readonly grant_type: string
    readonly sub: string
    readonly scope: string
    readonly jti: string
    readonly would_be_refused?: string | undefined
    readonly secret_in_query?: true | undefined
  }
  /** A client was not believed, or a request was refused for another reason. */
  rejected: RequestFacts & {
    readonly error: string
    readonly reason: Reason | string
  }
  revoked: RequestFacts & { readonly grant_id: string }
  /** A refresh token or code was used a second time; its whole grant has been revoked. */
  reuseDetected: RequestFacts & { readonly grant_id: string }
  reloaded: { readonly chain: readonly string[] }
  started: { readonly issuer: string; readonly chain: readonly string[] }
  stopped: Record<string, never>
}

export type EventName = keyof ServerEvents
