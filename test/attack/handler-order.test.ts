/**
 * The order of handlers never changes what a client must show (security.md A13; WSO2 lets the secret
 * alone pass where its Basic handler comes first): in all 720 orders of the six methods, each kind of
 * client gets for each shape of request, with and without certificate, the one verdict of its method.
 */
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sign } from 'jsonwebtoken'
import { makeCertificate } from '../../lib/certificate/make'
import { makePresented } from '../../lib/certificate/presented'
import { openTrust } from '../../lib/certificate/trust'
import { type Clients, openClients } from '../../lib/client/clients'
import type { NewClient } from '../../lib/client/new-client'
import { OAuthError } from '../../lib/error/oauth-error'
import { capabilitiesOf } from '../../lib/plugin/capabilities'
import { composeChain } from '../../lib/plugin/chain'
import { openDeadline } from '../../lib/plugin/deadline'
import { openRegistry, type Registry } from '../../lib/plugin/registry'
import { authenticateClient } from '../../lib/server/authenticate-client'
import { parseForm } from '../../lib/server/form'
import type { Parts } from '../../lib/server/parts'
import { openConnections } from '../../lib/server/stale-connection'
import { type Received, readTokenRequest } from '../../lib/server/token-request'
import { memoryStore } from '../../lib/store'
import { standardPlugins } from '../../plugins'
import { newSigner } from '../support/assertion'

const methods = [
  'mtls-secret',
  'client_secret_basic',
  'client_secret_post',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'private_key_jwt',
]
const issuer = 'https://localhost'
const client_secret = 's'.repeat(43)
const signer = newSigner('ES256')

const ca = makeCertificate({ name: 'Order CA', ca: true, now: Date.now() })
const derOf = (name: string) =>
  new X509Certificate(makeCertificate({ name, issuer: ca, now: Date.now() }).certificatePem).raw
const certificates = { own: derOf('own'), other: derOf('other') }

/** One client of each kind. `never`: registered without, where that is not allowed. */
const kinds: Record<string, Partial<NewClient>> = {
  'mtls-secret': { certificate: certificates.own, client_secret },
  never: { token_endpoint_auth_method: 'mtls-secret', without_certificate: true, client_secret },
  client_secret_basic: { client_secret },
  client_secret_post: { client_secret },
  tls_client_auth: { tls_client_auth_subject_dn: 'CN=own' },
  self_signed_tls_client_auth: { certificate: certificates.own },
  private_key_jwt: { jwks: signer.jwks },
}

const shapes: Record<
  string,
  (client_id: string) => {
    form: Record<string, string>
    authorization?: string
  }
> = {
  form: (client_id) => ({ form: { client_id, client_secret } }),
  basic: (client_id) => ({
    form: {},
    authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}`,
  }),
  bare: (client_id) => ({ form: { client_id } }),
  wrong: (client_id) => ({ form: { client_id, client_secret: 'wrong' } }),
  assertion: (client_id) => ({ form: { ...assertions(client_id) } }),
}

const signed = new Map<string, Record<string, string>>()
function assertions(client_id: string): Record<string, string> {
  const known = signed.get(client_id) ?? {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: sign({ jti: 'one' }, signer.key, {
      algorithm: 'ES256',
      issuer: client_id,
      subject: client_id,
      audience: issuer,
      expiresIn: 240,
    }),
  }
  signed.set(client_id, known)
  return known
}

/** By whom, how and with which certificate one gets in; everything else is refused. */
const expected = new Set([
  'mtls-secret form own',
  'mtls-secret basic own',
  ...['none', 'own', 'other'].flatMap((certificate) => [
    `client_secret_basic basic ${certificate}`,
    `client_secret_post form ${certificate}`,
    `private_key_jwt assertion ${certificate}`,
  ]),
  'tls_client_auth bare own',
  'self_signed_tls_client_auth bare own',
])

let clients: Clients
let shared: Omit<Parts, 'registry'>
let requests: [string, Received][]

beforeAll(async () => {
  const store = memoryStore()
  clients = openClients(store, Date)
  const folder = mkdtempSync(join(tmpdir(), 'order-'))
  writeFileSync(join(folder, 'ca.pem'), ca.certificatePem)
  const trust = await openTrust({ file_name: join(folder, 'ca.pem') })
  rmSync(folder, { recursive: true })
  trust.setRegistered(new Set())
  for (const [kind, client] of Object.entries(kinds)) {
    const method = kind === 'never' ? {} : { token_endpoint_auth_method: kind }
    await clients.create({ client_id: kind, ...method, ...client })
  }
  shared = {
    clients,
    judge: { trust, clock: Date, refreshPins: () => undefined },
    connections: openConnections(trust),
    clock: Date,
    deadline: openDeadline(10_000),
    throttle: { check: () => undefined, recheck: () => undefined, failed: async () => undefined },
    log: {
      info: () => {},
      warn: () => {},
      error: (event: string, facts: unknown) => fail(event, facts),
    },
  } as unknown as typeof shared
  requests = Object.keys(kinds).flatMap((kind) =>
    Object.entries(shapes).flatMap(([shape, make]) =>
      (['none', 'own', 'other'] as const).map((certificate): [string, Received] => {
        const { form, authorization } = make(kind)
        const presented =
          certificate === 'none' ? undefined : makePresented(certificates[certificate], 'tls')
        const headers = authorization === undefined ? {} : { authorization }
        return [`${kind} ${shape} ${certificate}`, received({ form, headers, presented })]
      }),
    ),
  )
})
afterAll(() => clients.close())

function received(of: {
  form: Record<string, string>
  headers: Record<string, string>
  presented: Received['presented']
}): Received {
  return readTokenRequest({
    form: parseForm(Buffer.from(new URLSearchParams(of.form).toString())),
    headers: of.headers,
    query: undefined,
    presented: of.presented,
    unread: undefined,
    ip: '127.0.0.1',
    request_id: 'r',
  })
}

function fail(event: string, facts: unknown): never {
  throw new Error(`${event} ${JSON.stringify(facts)}`)
}

function openIn(order: readonly string[]): Promise<Registry> {
  const type = 'client-auth'
  const entries = order.map((name, place) => ({
    id: name,
    name,
    type,
    order: 10 + place,
    enable: true,
    properties: {},
  }))
  const capabilities = capabilitiesOf({
    store: {
      findRefreshToken: async () => undefined,
      findCode: async () => undefined,
      // The same assertion serves in each order.
      seen: async () => false,
    },
    accounts: { verify: async () => undefined },
    clock: Date,
    log: shared.log,
    urls: { issuer, token_endpoints: [] },
  })
  return openRegistry(composeChain(standardPlugins, entries), capabilities)
}

async function letIn(registry: Registry): Promise<string[]> {
  const found: string[] = []
  for (const [request, received] of requests) {
    try {
      const { client } = await authenticateClient({ ...shared, registry } as Parts, received)
      found.push(request)
      expect(client.client_id).toBe(request.split(' ')[0])
    } catch (error) {
      if (!(error instanceof OAuthError) || error.code !== 'invalid_client') throw error
    }
  }
  return found
}

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, at) =>
    permutations(items.filter((_, other) => other !== at)).map((rest) => [item, ...rest]),
  )
}

test('gives each request one verdict in all 720 orders', async () => {
  const orders = permutations(methods)
  expect(orders).toHaveLength(720)
  for (const order of orders) {
    const registry = await openIn(order)
    const found = await letIn(registry)
    if (found.length !== expected.size || !found.every((request) => expected.has(request))) {
      expect([order, found.sort()]).toEqual([order, [...expected].sort()])
    }
    await registry.close()
  }
}, 120_000)

test('leaves those refused whose handler is off, in every order of the others', async () => {
  for (const off of methods.slice(1)) {
    const on = methods.filter((method) => method !== off)
    for (const order of [on, on.toReversed()]) {
      const registry = await openIn(order)
      const left = [...expected].filter((request) => !request.startsWith(`${off} `))
      expect((await letIn(registry)).sort()).toEqual(left.sort())
      await registry.close()
    }
  }
})
