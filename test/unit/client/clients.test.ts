import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import type { ClientRecord, ClientStore } from '../../../lib/client/client-store'
import { type Clients, openClients } from '../../../lib/client/clients'
import type { NewClient } from '../../../lib/client/new-client'
import type { ObservedStore } from '../../../lib/client/observed'
import { digestSecret } from '../../../lib/client/secret'
import { memoryStore } from '../../../lib/store/memory'
import { type TestCertificates, testCertificates } from '../../support/certificates'

let certificates: TestCertificates
let clients: Clients
let store: ClientStore & ObservedStore
let now: number

beforeAll(async () => {
  certificates = await testCertificates()
})

beforeEach(async () => {
  const memory = memoryStore()
  await memory.open()
  store = memory
  now = Date.UTC(2026, 0, 1)
  clients = openClients(store, { now: () => now })
})

afterEach(() => clients.close())

const invalid = (text: string) => ({
  code: 'invalid_client_metadata',
  description: expect.stringContaining(text),
})

/** One of two clients: A with certificate A, B with certificate B. */
async function createTwo() {
  const a = await clients.create({ client_name: 'a', certificate: certificates.clientA.pem })
  const b = await clients.create({ client_name: 'b', certificate: certificates.clientB.pem })
  return { a: { ...a.client, secret: a.client_secret ?? '' }, b: b.client }
}

async function record(client_id: string): Promise<ClientRecord> {
  const found = await store.findClient(client_id)
  if (found === undefined) throw new Error('no such client')
  return found
}

describe('creating', () => {
  test('answers with the secret once and stores its digest alone', async () => {
    const { client, client_secret = '' } = await clients.create({
      client_name: 'billing',
      scope: 'invoices:read',
      certificate: certificates.clientA.pem,
    })
    const stored = await record(client.client_id)
    expect(stored.secrets.map(({ digest }) => digest)).toEqual([digestSecret(client_secret)])
    expect(JSON.stringify([stored, client, await clients.list()])).not.toContain(client_secret)
    expect(JSON.stringify([client, await clients.get(client.client_id)])).not.toContain(
      digestSecret(client_secret),
    )
    expect(client).toEqual({
      client_id: client.client_id,
      client_name: 'billing',
      client_id_issued_at: now / 1000,
      token_endpoint_auth_method: 'mtls-secret',
      grant_types: ['client_credentials'],
      scope: 'invoices:read',
      redirect_uris: [],
      disabled: false,
      certificates: [
        {
          thumbprint: certificates.clientA.thumbprint,
          subject: 'CN=client-a',
          not_after: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
          last_used: null,
        },
      ],
      secrets: [{ created: '2026-01-01T00:00:00.000Z', expires: null, last_used: null }],
    })
  })

  test('takes an id and secret that the client has already', async () => {
    const given = {
      client_id: '2fjjjsCfTlLqptsj_goJcplgTyka',
      client_secret: 'dSw8sxIFG83N8gmLDqz5HPwrKT4a',
      certificate: certificates.clientA.der,
    }
    const { client, client_secret } = await clients.create(given)
    expect([client.client_id, client_secret]).toEqual([given.client_id, given.client_secret])
    await expect(clients.create(given)).rejects.toMatchObject(invalid('taken'))
  })

  test.each([
    ['client_id', ''],
    ['client_id', 'a\nb'],
    ['client_id', 'ü'],
    ['client_id', 'a'.repeat(513)],
    ['client_secret', ''],
    ['client_secret', 'a\0b'],
    ['client_secret', 'a'.repeat(513)],
  ])('refuses %s %j', async (field, value) => {
    const client = { [field]: value, certificate: certificates.clientA.pem }
    await expect(clients.create(client)).rejects.toMatchObject(invalid(field))
    expect(await clients.list()).toEqual([])
  })

  test('two clients may share a certificate, and one may have several', async () => {
    const both = [certificates.clientA.pem, Buffer.from(certificates.clientB.pem)]
    const first = await clients.create({ certificate: both })
    const second = await clients.create({ certificate: [...both, certificates.clientA.der] })
    const thumbprints = [certificates.clientA.thumbprint, certificates.clientB.thumbprint]
    for (const { client } of [first, second]) {
      expect(client.certificates.map(({ thumbprint }) => thumbprint)).toEqual(thumbprints)
    }
  })

  test('refuses a private key as certificate without storing or repeating it', async () => {
    const { key, pem } = certificates.clientA
    for (const certificate of [key, Buffer.from(key), `${pem}${key}`]) {
      const refused = await clients.create({ certificate }).catch((error) => error)
      expect(refused).toMatchObject(invalid('private key'))
      expect(`${refused.stack}${refused.description}`).not.toContain(key.split('\n')[1])
    }
    expect(await clients.list()).toEqual([])
  })

  test.each([
    ['nothing', ''],
    ['no PEM', 'MIIB'],
    ['two certificates in one text', 'two'],
    ['DER with a byte behind it', 'trailing'],
  ])('refuses %s as certificate', async (_, kind) => {
    const { pem, der } = certificates.clientA
    const certificate =
      kind === 'two'
        ? `${pem}${certificates.clientB.pem}`
        : kind === 'trailing'
          ? Buffer.concat([der, Buffer.from([0])])
          : kind
    await expect(clients.create({ certificate })).rejects.toMatchObject(invalid('certificate'))
  })

  test('takes certificates from x5c, and only of the key beside them', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { der, thumbprint } = certificates.selfSignedA
    const x5c = [der.toString('base64')]
    const own = new X509Certificate(der).publicKey.export({ format: 'jwk' })
    const { client } = await clients.create({
      token_endpoint_auth_method: 'self_signed_tls_client_auth',
      jwks: { keys: [{ ...own, x5c }] },
    })
    expect(client.certificates.map((certificate) => certificate.thumbprint)).toEqual([thumbprint])
    expect(client.secrets).toEqual([])
    expect(JSON.stringify(client.jwks)).not.toContain('x5c')
    const foreign = { keys: [{ ...publicKey.export({ format: 'jwk' }), x5c }] }
    await expect(clients.create({ jwks: foreign })).rejects.toMatchObject(invalid('x5c'))
  })

  test('never makes a client weaker because something was forgotten', async () => {
    const create = (client: NewClient) => clients.create(client)
    await expect(create({})).rejects.toMatchObject(invalid('needs a certificate'))
    await expect(create({ token_endpoint_auth_method: 'tls_client_auth' })).rejects.toMatchObject(
      invalid('needs a certificate'),
    )
    await expect(
      create({
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        without_certificate: true,
      }),
    ).rejects.toMatchObject(invalid('needs a certificate'))
    await expect(create({ token_endpoint_auth_method: 'private_key_jwt' })).rejects.toMatchObject(
      invalid('public key'),
    )
    await expect(
      create({ without_certificate: true, certificate: certificates.clientA.pem }),
    ).rejects.toMatchObject(invalid('contradicts'))
    expect(await clients.list()).toEqual([])
  })

  test('accepts a client without certificate when that is said', async () => {
    const { client } = await clients.create({ without_certificate: true })
    expect(client).toMatchObject({ without_certificate: true, certificates: [] })
    expect((await record(client.client_id)).without_certificate).toBe(true)
  })

  test('accepts a name under a CA in place of a certificate', async () => {
    const { client } = await clients.create({ tls_client_auth_san_dns: 'billing.example' })
    expect(client.tls_client_auth_san_dns).toBe('billing.example')
    expect((await record(client.client_id)).tls_identity).toEqual({
      kind: 'san_dns',
      value: 'billing.example',
      issuer: undefined,
    })
  })

  test.each(['tls_client_auth', 'self_signed_tls_client_auth'])(
    'gives no secret to a client of %s',
    async (token_endpoint_auth_method) => {
      const certificate = certificates.selfSignedA.pem
      const method = { token_endpoint_auth_method, certificate }
      const { client, client_secret } = await clients.create(method)
      expect([client_secret, client.secrets]).toEqual([undefined, []])
      await expect(clients.rotateSecret(client.client_id)).rejects.toMatchObject(
        invalid('no secret'),
      )
      await expect(clients.create({ ...method, client_secret: 'x' })).rejects.toMatchObject(
        invalid('client_secret'),
      )
    },
  )
})

describe('finding', () => {
  test('answers from memory, in place, until the version moves', async () => {
    const { a, b } = await createTwo()
    const findClient = jest.spyOn(store, 'findClient')
    const first = await clients.find(a.client_id)
    expect(first).toMatchObject({ client_id: a.client_id })
    expect(clients.find(a.client_id)).toBe(first)
    expect(findClient).toHaveBeenCalledTimes(1)
    expect(await clients.find(b.client_id)).toMatchObject({ client_id: b.client_id })
  })

  test('sees a change by anybody with the next request', async () => {
    const { a } = await createTwo()
    const elsewhere = openClients(store, { now: () => now })
    expect(await clients.find(a.client_id)).toMatchObject({ disabled: false })
    await elsewhere.disable(a.client_id)
    expect(await clients.find(a.client_id)).toMatchObject({ disabled: true })
    await elsewhere.enable(a.client_id)
    expect(await clients.find(a.client_id)).toMatchObject({ disabled: false })
    await elsewhere.remove(a.client_id)
    expect(await clients.find(a.client_id)).toBeUndefined()
  })

  test('looks an unknown client up each time', async () => {
    expect(await clients.find('nobody')).toBeUndefined()
    await clients.create({ client_id: 'nobody', without_certificate: true })
    expect(await clients.find('nobody')).toMatchObject({ client_id: 'nobody' })
  })

  test('a record that was read before a change is not kept after it', async () => {
    const { a } = await createTwo()
    const old = await record(a.client_id)
    let version = 1
    let answer: (record: ClientRecord) => void = () => {}
    const slow: typeof store = {
      ...store,
      version: () => Promise.resolve(version),
      findClient: () =>
        new Promise((resolve) => {
          answer = resolve
        }),
    }
    const cached = openClients(slow, { now: () => now })
    const settle = () => new Promise((resolve) => setImmediate(resolve))

    const before = cached.find(a.client_id)
    await settle()
    const answerBefore = answer
    version = 2
    const after = cached.find(a.client_id)
    await settle()
    answer({ ...old, disabled: true })
    expect(await after).toMatchObject({ disabled: true })
    answerBefore(old)
    expect(await before).toMatchObject({ disabled: false })
    expect(await cached.find(a.client_id)).toMatchObject({ disabled: true })
  })

  test('a store that fails is an error, never an unknown client', async () => {
    const broken = { ...store, version: () => Promise.reject(new Error('gone')) }
    await expect(openClients(broken, { now: () => now }).find('a')).rejects.toThrow('gone')
  })
})

describe('rotating a secret', () => {
  test('without overlap the old secret is gone at once', async () => {
    const { a } = await createTwo()
    const rotated = await clients.rotateSecret(a.client_id)
    const { secrets } = await record(a.client_id)
    expect(secrets.map(({ digest }) => digest)).toEqual([
      digestSecret(rotated?.client_secret ?? ''),
    ])
  })

  test('with overlap the old secret ends with it, and there are never more than two', async () => {
    const { a } = await createTwo()
    const second = await clients.rotateSecret(a.client_id, { overlap: 60 })
    const digests = async () =>
      (await record(a.client_id)).secrets.map(({ digest, expires }) => [digest, expires])
    expect(await digests()).toEqual([
      [digestSecret(second?.client_secret ?? ''), undefined],
      [digestSecret(a.secret), now + 60_000],
    ])
    now += 1000
    const third = await clients.rotateSecret(a.client_id, { overlap: 60 })
    expect(await digests()).toEqual([
      [digestSecret(third?.client_secret ?? ''), undefined],
      [digestSecret(second?.client_secret ?? ''), now + 60_000],
    ])
  })

  test.each([-1, 0.5, Number.NaN, 1e12])('refuses an overlap of %s seconds', async (overlap) => {
    const { a } = await createTwo()
    await expect(clients.rotateSecret(a.client_id, { overlap })).rejects.toMatchObject(
      invalid('overlap'),
    )
  })

  test("leaves the other client's secret alone", async () => {
    const { a, b } = await createTwo()
    const before = await record(b.client_id)
    await clients.rotateSecret(a.client_id)
    expect(await record(b.client_id)).toEqual(before)
  })
})

describe('certificates of a client', () => {
  test('are added for a renewal and taken away after it', async () => {
    const { a } = await createTwo()
    const { clientA, selfSignedA } = certificates
    const thumbprints = (client: { certificates: readonly { thumbprint: string }[] } | undefined) =>
      client?.certificates.map(({ thumbprint }) => thumbprint).sort()
    const both = [clientA.thumbprint, selfSignedA.thumbprint].sort()
    expect(thumbprints(await clients.addCertificate(a.client_id, selfSignedA.pem))).toEqual(both)
    expect(thumbprints(await clients.addCertificate(a.client_id, selfSignedA.pem))).toEqual(both)
    expect(thumbprints(await clients.removeCertificate(a.client_id, clientA.thumbprint))).toEqual([
      selfSignedA.thumbprint,
    ])
    await expect(clients.removeCertificate(a.client_id, clientA.thumbprint)).rejects.toMatchObject(
      invalid('thumbprint'),
    )
  })

  test('without the last one the client is locked, not free to go without', async () => {
    const { client } = await clients.create({ without_certificate: true })
    const { clientA } = certificates
    expect(
      (await clients.addCertificate(client.client_id, clientA.pem))?.without_certificate,
    ).toBeUndefined()
    const locked = await clients.removeCertificate(client.client_id, clientA.thumbprint)
    expect(locked).toMatchObject({ certificates: [] })
    expect((await record(client.client_id)).without_certificate).toBe(false)
  })
})

test('notes uses without a write and shows them', async () => {
  const { a, b } = await createTwo()
  const version = await store.version()
  now += 5000
  clients.used(a.client_id, digestSecret(a.secret), certificates.clientA.thumbprint)
  const shown = await clients.get(a.client_id)
  expect(shown?.secrets[0]?.last_used).toBe('2026-01-01T00:00:05.000Z')
  expect(shown?.certificates[0]?.last_used).toBe('2026-01-01T00:00:05.000Z')
  expect((await clients.get(b.client_id))?.secrets[0]?.last_used).toBeNull()
  expect(await store.version()).toBe(version)
})

test('answers undefined for a client that there is not', async () => {
  const thumbprint = certificates.clientA.thumbprint
  expect(
    await Promise.all([
      clients.get('nobody'),
      clients.rotateSecret('nobody'),
      clients.addCertificate('nobody', certificates.clientA.pem),
      clients.removeCertificate('nobody', thumbprint),
      clients.disable('nobody'),
      clients.enable('nobody'),
      clients.remove('nobody'),
    ]),
  ).toEqual(Array(7).fill(undefined))
})
