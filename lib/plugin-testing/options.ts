import type { MaybePromise } from '../client/client-store'
import type { NewClient } from '../client/new-client'
import type { AuthorizationServer } from '../create-authorization-server'
import type { AnyPlugin } from '../plugin/chain'
import type { Store } from '../store/store'

/** What an author says of a plugin, so that it can be attacked. */
export interface PluginTest {
  /** What an `[[event_listener]]` would give it. */
  properties?: Record<string, unknown>
  /** Properties have names that the operator chooses, so that a misspelt one can't be told. */
  anyProperty?: boolean
  /** Of a plugin that gives a `clientAuth`: how its clients ask. */
  clientAuth?: ClientAuthTest
  /** Of a plugin that gives a `grant`: what is asked for. */
  grant?: GrantTest
  /** Of a plugin that gives a `listener`; needs to be said only beside one of the others. */
  listener?: Record<string, never>
  /** Plugins that it can't do without. */
  beside?: readonly AnyPlugin[]
  /** The CA of all test certificates stands in the truststore; otherwise there is none. */
  truststore?: boolean
  /** What must be there before the first request; called for each server. */
  prepare?(server: TestServer): MaybePromise<void>
}

export interface ClientAuthTest {
  /** Metadata that a client of this method registers beside its certificate. */
  client?(client: { client_id: string; certificate: Identity }): Partial<NewClient>
  /** A good request of the client, new for each call; parameters of the form, and headers. */
  sign(client: TestClient): MaybePromise<SignedRequest>
  /** `'optional'`: the method asks for no certificate, and binds the token to whichever is shown. */
  certificate?: 'required' | 'optional'
  /** A signed request is good once. */
  singleUse?: boolean
  /** Names of fields that may be changed or left out without harm. */
  unsigned?: readonly string[]
}

export interface GrantTest {
  grant_type: string
  /** Metadata that a client of this grant registers. */
  client?: Partial<NewClient>
  /** Good parameters for this client beside `grant_type`, new for each call. */
  parameters(client: TestClient): MaybePromise<Record<string, string>>
  /** True where the same parameters are as good for any other client, like a user's password. */
  anyClient?: boolean
  /** Parameters are good once. */
  singleUse?: boolean
}

export interface SignedRequest {
  parameters?: Record<string, string>
  headers?: Record<string, string>
}

export interface TestClient {
  /** `client-a` or `client-b`. */
  readonly client_id: string
  /** Empty for a method that has none. */
  readonly client_secret: string
  readonly certificate: Identity
  readonly server: TestServer
  /** A token request with this client's own proof and certificate. */
  ask(parameters: Record<string, string>): Promise<Answer>
}

/** PEM both. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

export interface TestServer {
  /** `https://localhost:PORT`, the issuer. */
  readonly url: string
  readonly token_endpoint: string
  readonly server: AuthorizationServer
  readonly store: Store
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The body as JSON, an object. */
  readonly body: Readonly<Record<string, unknown>>
}

/** Runs one case now or later: `test` of node:test, jest, vitest or mocha's `it`. */
export type TestFunction = (name: string, run: () => Promise<void>) => unknown

/** What became of each case. */
export interface Report {
  readonly plugin: string
  readonly cases: readonly ReportedCase[]
}

export interface ReportedCase {
  readonly name: string
  readonly passed: boolean
  /** What was wrong; undefined where it passed. */
  readonly problem: string | undefined
}
