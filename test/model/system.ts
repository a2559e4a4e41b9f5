import type fc from 'fast-check'
import { openAccounts } from '../../lib/account/accounts'
import { type Client, clientOf, type Judge } from '../../lib/client/client'
import { openClients } from '../../lib/client/clients'
import { isVerdict } from '../../lib/client/verdict'
import { OAuthError } from '../../lib/error/oauth-error'
import { introspect } from '../../lib/server/introspect'
import { issueTokens } from '../../lib/server/issue'
import { revokeToken } from '../../lib/server/revoke'
import { readTokenRequest } from '../../lib/server/token-request'
import type { Store } from '../../lib/store'
import { openKeys } from '../../lib/token/keys'
import { digestOpaque } from '../../lib/token/opaque'
import { refreshToken } from '../../plugins/grant/refresh-token'
import type { Operation, Outcome, Rules, Who } from './rotation-model'
import { accessLife, familyLife, type System, scopes } from './sequence'

const issuer = 'https://id.example'

/** What several processes have in common; one alone makes it up. */
export interface Shared {
  /** Where the signing key lies. */
  directory: string | undefined
  client_ids: Record<Who, string> | undefined
}

export type ServerSystem = System & {
  readonly client_ids: Record<Who, string>
  setClock(now: number): void
  /** Whether the server itself sees a client as disabled. */
  isDisabled(who: Who): Promise<boolean>
}

/** The server's own functions over a store whose every step waits for the scheduler, where there is one. */
export async function openSystem(
  real: Store,
  { directory, client_ids }: Shared = { directory: undefined, client_ids: undefined },
): Promise<ServerSystem> {
  await real.open()
  let now = Date.now()
  let rules: Rules = { grace: 0, renews: true, familyLife, accessLife }
  let scheduler: fc.Scheduler | undefined
  let told = { reuseDetected: 0, revoked: 0 }
  const clock = { now: () => now }
  const store = stepByStep(real, () => scheduler)
  const clients = openClients(store, clock)
  const keys = await openKeys(
    { directory, algorithm: 'ES256', overlap: 1, mayCreate: true },
    real,
    clock,
  )
  const { grant } = await refreshToken.setup({
    clock,
    refreshTokens: { find: (token: string) => store.findRefreshToken(digestOpaque(token)) },
  } as never)
  const log = { info() {}, warn() {}, error() {} }
  const parts = {
    issuer,
    keys,
    clients,
    accounts: openAccounts(store, clock),
    tokens: store,
    clock,
    log,
    get settings() {
      return {
        app_access_token_validity: accessLife / 1000,
        user_access_token_validity: accessLife / 1000,
        authorization_code_validity: 60,
        refresh_token_validity: familyLife / 1000,
        renew_refresh_token: rules.renews,
        grace: rules.grace / 1000,
      }
    },
    registry: { grant: () => grant },
    tell(name: keyof typeof told) {
      told[name] += 1
    },
  } as never as Parameters<typeof issueTokens>[0] & Parameters<typeof revokeToken>[0]

  const persons: Record<Who, Client> = { a: await person('a'), b: await person('b') }
  async function person(who: Who): Promise<Client> {
    const record = await real.findClient(client_ids?.[who] ?? (await create(who)))
    if (record === undefined) throw new Error('no client')
    return clientOf(record, {} as Judge)
  }
  async function create(client_name: string): Promise<string> {
    const { client } = await clients.create({
      client_name,
      without_certificate: true,
      grant_types: ['password', 'refresh_token'],
      scope: scopes.join(' '),
    })
    return client.client_id
  }

  async function perform(operation: Operation): Promise<Outcome> {
    const client = persons[operation.by]
    const received = receivedOf(operation)
    switch (operation.kind) {
      case 'begin': {
        const decision = { sub: 'user', scope: operation.scope.join(' '), refreshable: true }
        return issuedBy(await issueTokens(parts, received, client, decision, {}))
      }
      case 'renew': {
        const decision = await grant?.decide(received.request, client)
        if (decision === undefined || isVerdict(decision)) return { refused: 'invalid_grant' }
        return issuedBy(await issueTokens(parts, received, client, decision, {}))
      }
      case 'revoke':
        await revokeToken(parts, received, client)
        return { done: true }
      case 'introspect':
        return { active: (await introspect(parts, received, client)).active }
    }
  }

  const disabled = new Set<Who>()
  const system: ServerSystem = {
    client_ids: { a: persons.a.client_id, b: persons.b.client_id },
    setClock(time) {
      now = time
    },
    async isDisabled(who) {
      return (await clients.find(persons[who].client_id))?.disabled === true
    },
    begin(given, order) {
      rules = given
      scheduler = order
      told = { reuseDetected: 0, revoked: 0 }
    },
    async run(operations) {
      const all = Promise.all(
        operations.map((operation) =>
          perform(operation).catch((cause: unknown): Outcome => {
            if (cause instanceof OAuthError) return { refused: cause.code }
            throw cause
          }),
        ),
      )
      return scheduler === undefined ? all : scheduler.waitFor(all)
    },
    now: clock.now,
    advance(milliseconds) {
      now += milliseconds
    },
    async toggle(who) {
      const { client_id } = persons[who]
      const change = (record: Parameters<Parameters<Store['changeClient']>[1]>[0]) => ({
        ...record,
        disabled: !record.disabled,
      })
      const record = await real.changeClient(client_id, change)
      if (record?.disabled) disabled.add(who)
      else disabled.delete(who)
      return [...disabled]
    },
    async enableAll() {
      for (const who of [...disabled]) await system.toggle(who)
    },
    reused: () => told.reuseDetected,
    revoked: () => told.revoked,
    async close() {
      keys.close()
      await clients.close()
      await real.close()
    },
  }
  return system
}

function receivedOf(operation: Operation) {
  const scope = 'scope' in operation ? operation.scope?.join(' ') : undefined
  const token = 'token' in operation ? operation.token : undefined
  const parameters = Object.fromEntries(
    Object.entries({ scope, token, refresh_token: token }).flatMap(([name, value]) =>
      value ? [[name, value]] : [],
    ),
  )
  return readTokenRequest({
    form: { parameters, client_secret: undefined },
    headers: {},
    query: undefined,
    presented: undefined,
    unread: undefined,
    ip: undefined,
    request_id: 'model',
  })
}

function issuedBy({ answer }: Awaited<ReturnType<typeof issueTokens>>): Outcome {
  return { issued: { access: answer.access_token, refresh: answer.refresh_token ?? '' } }
}

/** The store, but each of its steps about tokens begins when the scheduler says so. */
function stepByStep(store: Store, scheduler: () => fc.Scheduler | undefined): Store {
  const steps = ['findRefreshToken', 'commitIssue', 'revokeGrant', 'isGrantRevoked'] as const
  const waiting = Object.fromEntries(
    steps.map((name) => [
      name,
      (...given: unknown[]) => {
        const step = () => (store[name] as (...given: unknown[]) => Promise<unknown>)(...given)
        return scheduler()?.schedule(Promise.resolve(), name).then(step) ?? step()
      },
    ]),
  )
  return { ...store, ...waiting }
}
