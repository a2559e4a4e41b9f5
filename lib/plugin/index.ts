/**
 * `mtls-secret/plugin`: all that a plugin may import, ours included.
 */
export { accepted, rejected, type Verdict } from '../client/verdict'
export type { Accounts, Codes, FoundCode, RefreshTokens, Replay } from './capabilities'
export type { EventName, RequestFacts, ServerEvents } from './events'
export {
  type ClientAuth,
  type Clock,
  type Consumes,
  type Contribution,
  type Decision,
  definePlugin,
  type Facts,
  type GrantHandler,
  type Listener,
  type Log,
  type NoProperties,
  type Plugin,
  type ServerUrls,
  type SetupContext,
} from './plugin'
export type { CertificateFacts, PluginClient, TokenRequest } from './token-request'
