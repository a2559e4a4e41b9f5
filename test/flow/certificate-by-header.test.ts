import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromProxyHeader, openTrust, type Trust } from '../../lib'
import { inTemporaryFolder, testCertificate } from '../support/certificates'
import { claimsOf, type Identity, openWorld, type World } from '../support/world'

/** Behind a proxy that ends TLS: tokens are bound, and checked, by the certificate in its header (RFC 9440). */
let world: World
afterEach(() => world.close())

/** RFC 9440 section 2.2: a structured field item of bytes, the DER in base64 between colons. */
const header = ({ cert }: Identity) => ({
  'client-cert': `:${new X509Certificate(cert).raw.toString('base64')}:`,
  'x-client-verify': 'SUCCESS',
})

async function open(trusted = '127.0.0.1/32'): Promise<void> {
  world = await openWorld({
    certificate: fromProxyHeader({ trusted: [trusted], verified: { header: 'x-client-verify' } }),
  })
}

const on = (name: string, order: number, properties: Record<string, unknown> = {}) => ({
  id: name,
  type: 'client-auth',
  name,
  order,
  enable: true,
  properties,
})

/** The proxy's own connection shows a certificate too, which must never count. */
const through = (identity: Identity | undefined, more: Record<string, string> = {}) => ({
  certificate: world.certificates.server,
  headers: { ...(identity && header(identity)), ...more },
})

const me = (token: string, identity: Identity | undefined) =>
  world.get('/me', through(identity, { authorization: `Bearer ${token}` }))

test('a token is bound to the certificate in the header, and opens a route with that one alone', async () => {
  await open()
  const { a, b } = world
  const { status, json } = await world.token(a, {}, through(a.certificate))
  expect(status).toBe(200)
  expect((await me(json.access_token, a.certificate)).json.cnf).toEqual({
    'x5t#S256': a.thumbprint,
  })
  for (const identity of [b.certificate, world.certificates.server, undefined]) {
    const answer = await me(json.access_token, identity)
    expect(answer.status).toBe(401)
    expect(answer.json.error).toBe('invalid_token')
  }
})

test('the proxy’s own certificate is nobody’s', async () => {
  await open()
  const { status } = await world.token(world.a, {}, { certificate: world.a.certificate })
  expect(status).toBe(401)
  expect(world.only('client.rejected').reason).toBe('no_certificate_presented')
})

test('anybody else’s header is ignored, at the token endpoint and at a route (RFC 9440 section 4)', async () => {
  await open('192.0.2.0/24')
  expect((await world.token(world.a, {}, through(world.a.certificate))).status).toBe(401)
  expect(world.only('client.rejected').reason).toBe('untrusted_proxy_header')
  expect((await me('x', world.a.certificate)).status).toBe(401)
})

test.each<[string, string]>([
  ['without its colons', 'MIIB'],
  ['as PEM', '-----BEGIN CERTIFICATE-----'],
  ['as a list of two', ':MIIB:, :MIIB:'],
  ['with bytes that are no certificate', ':AAAA:'],
  ['empty', '::'],
])('a header %s is no certificate', async (_, value) => {
  await open()
  const by = through(world.a.certificate, { 'client-cert': value })
  expect((await world.token(world.a, {}, by)).status).toBe(401)
})

test('a certificate that the proxy did not verify is none', async () => {
  await open()
  for (const verified of ['FAILED:expired', 'NONE', '', 'success']) {
    const by = through(world.a.certificate, { 'x-client-verify': verified })
    expect((await world.token(world.a, {}, by)).status).toBe(401)
  }
})

describe('of a proxy that does not say whether it verified anything', () => {
  /** `a` shows its secret alone; `b` too, and has a certificate registered. */
  const openUnverified = (trust: Trust) =>
    openWorld({
      trust,
      certificate: fromProxyHeader({ trusted: ['127.0.0.1/32'], verified: 'none' }),
      event_listener: [
        on('mtls-secret', 200, { MandateMutualSSL: false }),
        on('client_secret_post', 250),
      ],
      a: { without_certificate: true },
      b: { token_endpoint_auth_method: 'client_secret_post' },
    })
  const boundTo = async (person: World['a'], identity: Identity) => {
    const { json } = await world.token(person, {}, through(identity))
    return claimsOf(json.access_token).cnf?.['x5t#S256']
  }

  test('a certificate binds a token only when it is registered for the client', async () => {
    world = await openUnverified(await openTrust())
    const { a, b, certificates } = world
    expect(await boundTo(b, b.certificate)).toBe(b.thumbprint)
    for (const identity of [a.certificate, certificates.stranger]) {
      expect(await boundTo(b, identity)).toBeUndefined()
      expect(await boundTo(a, identity)).toBeUndefined()
    }
  })

  test('or when we build its chain to the truststore ourselves', async () => {
    await inTemporaryFolder(async (dir) => {
      const file_name = join(dir, 'ca.pem')
      const ca = testCertificate({ name: 'Client CA', ca: true })
      await writeFile(file_name, ca.pem)
      world = await openUnverified(await openTrust({ file_name }))
      const { pem: cert, key, thumbprint } = testCertificate({ name: 'x', issuer: ca })
      expect(await boundTo(world.a, { cert, key })).toBe(thumbprint)
      expect(await boundTo(world.b, { cert, key })).toBe(thumbprint)
      expect(await boundTo(world.b, world.certificates.stranger)).toBeUndefined()
    })
  })
})
