import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { MaybePromise } from '../client/client-store'
import type { Verdict } from '../client/verdict'
import { SetupError } from '../error/setup-error'
import type { FoundRefreshToken } from '../token/token-store'
import type { Accounts, Codes, FoundCode, RefreshTokens, Replay } from './capabilities'
import type { ServerEvents } from './events'
import type { PluginClient, TokenRequest } from './token-request'

/**
 * A plugin is what is written, a handler is what runs. WSO2 chains `AbstractIdentityHandler`s; here
 * a plugin contributes one or more of three things, and the registry puts them in order.
 */
export interface Plugin<Schema extends StandardSchemaV1 = StandardSchemaV1> {
  /** Unique. `[[event_listener]] name` refers to it. */
  readonly name: string
  /** Its place in the chain when it is given by code; an `[[event_listener]]` of its name overrides. */
  readonly order?: number
  /** Any Standard Schema for the properties; absent: no property is allowed. */
  readonly properties?: Schema
  /**
   * Called at the start, at each reload and by `config check`; must not touch the network, which is
   * for `started`, and must be done in ten seconds.
   */
  setup(context: SetupContext<StandardSchemaV1.InferOutput<Schema>>): MaybePromise<Contribution>
}

export interface SetupContext<Properties> {
  readonly properties: Properties
  /** The server's own names; to be read at each request, since at `setup` no port may be bound yet. */
  readonly urls: ServerUrls
  readonly clock: Clock
  readonly log: Log
  readonly accounts: Accounts
  readonly refreshTokens: RefreshTokens
  readonly codes: Codes
  readonly replay: Replay
}

export interface ServerUrls {
  readonly issuer: string
  /** The token endpoint as metadata names it, and its alias on the listener that requires certificates. */
  readonly token_endpoints: readonly string[]
}

export interface Contribution {
  clientAuth?: ClientAuth
  grant?: GrantHandler
  listener?: Listener
  /**
   * What is insecure about these properties, each as a whole sentence: for `config check`, and for the
   * log at each start.
   */
  warnings?: readonly string[]
  /** Called once, when no request can reach this contribution any more. */
  close?(): MaybePromise<void>
}

/** One client authentication method, in the two steps *recognise* and *decide*. */
export interface ClientAuth {
  /** The client_id that this method sees in the request, or undefined. Must be fast and must not wait. */
  recognise(request: TokenRequest): string | undefined
  /** Called only for a client registered for this method. */
  authenticate(request: TokenRequest, client: PluginClient): MaybePromise<Verdict>
  /** True when the client_id and client_secret may stand in the URL's query. */
  secretInQuery?: boolean
  /**
   * What such a client must show, for `config check` and the log: `['certificate', 'secret']`; an empty
   * list says that it is always refused. Told as unknown where it is absent.
   */
  needs?(client: Pick<PluginClient, 'withoutCertificate'>): readonly string[]
}

/** One grant type: it decides and writes nothing; the one issuer uses up and stores. */
export interface GrantHandler {
  grant_type: string
  /** Parameters that a request must have; one that is missing is `invalid_request`. */
  parameters?: readonly string[]
  /** A decision, or `rejected(reason)`: the caller sees `invalid_grant`, the operator the reason. */
  decide(request: TokenRequest, client: PluginClient): MaybePromise<Decision | Verdict>
}

export interface Decision {
  /** The subject: a client_id or an account's id. */
  sub: string
  /** All that may be granted; a request may ask for less. Absent: what the client registered. */
  scope?: string
  /** Audiences granted; absent or empty: the issuer, or what the client registered to ask for. */
  resources?: readonly string[]
  /** Whether a refresh token may come with it. */
  refreshable?: boolean
  /** More claims of the access token; registered ones can't be set. */
  claims?: Readonly<Record<string, unknown>>
  /** What this decision uses up; the issuer does so in the commit that stores what it issues. */
  consumes?: Consumes
}

/** What `find` gave, handed back: the issuer uses it up, or refuses when somebody else did. */
export type Consumes =
  | { readonly refresh_token: FoundRefreshToken }
  | { readonly code: FoundCode }
  | { readonly jti: string; readonly expires: number }

/** Hears what happens. `beforeIssue` may add claims; the others are told and cannot change anything. */
export type Listener = {
  beforeIssue?(
    event: ServerEvents['beforeIssue'],
  ): MaybePromise<Readonly<Record<string, unknown>> | undefined>
} & {
  [Name in Exclude<keyof ServerEvents, 'beforeIssue'>]?: (
    event: ServerEvents[Name],
  ) => MaybePromise<void>
}

/** Milliseconds since 1970. */
export interface Clock {
  now(): number
}

/** One line for the operator: an event's name and its facts; never a secret. */
export interface Log {
  info(event: string, facts?: Facts): void
  warn(event: string, facts?: Facts): void
  error(event: string, facts?: Facts): void
}

export type Facts = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>

/**
 * Declares a plugin, with the types of its properties inferred from their schema.
 * Throws `SetupError` when the name is not a plain word or the order not a number from 0 to 100,000.
 *
 * @example
 * export const tenantClaim = definePlugin({
 *   name: 'tenant-claim',
 *   order: 910,
 *   setup: () => ({
 *     listener: { beforeIssue: ({ client }) => ({ tenant: client.client_name }) },
 *   }),
 * })
 */
export function definePlugin<Schema extends StandardSchemaV1 = NoProperties>(
  plugin: Plugin<Schema>,
): Plugin<Schema> {
  checkName(plugin.name)
  if (plugin.order !== undefined) checkOrder(plugin.order, plugin.name)
  return Object.freeze(Object.defineProperty({ ...plugin }, copyMark, { value: thisCopy }))
}

/** The same for every copy of this package in a process, with a value that each has for itself. */
const copyMark = Symbol.for('mtls-secret.plugin')
const thisCopy = Object.freeze({})

/** Whether another copy of this package made it: then its verdicts are none of ours. */
export function isOfAnotherCopy(plugin: object): boolean {
  return copyMark in plugin && plugin[copyMark] !== thisCopy
}

export type NoProperties = StandardSchemaV1<Record<string, never>, Record<string, never>>

export function checkName(name: string): void {
  if (/^[a-z][a-z0-9._-]{0,63}$/.test(name)) return
  throw new SetupError(
    `A plugin's name must be lower-case letters, digits, ".", "_" and "-", found ${JSON.stringify(name)}.`,
    'Rename the plugin.',
  )
}

/** The highest order; anything above is a slip. */
const maxOrder = 100_000

export function checkOrder(order: number, name: string, key?: (string | number)[]): void {
  if (Number.isInteger(order) && order >= 0 && order <= maxOrder) return
  throw new SetupError(
    `order of "${name}" must be a whole number from 0 to ${maxOrder}, found ${order}.`,
    'Small numbers come first.',
    key === undefined ? {} : { key },
  )
}
