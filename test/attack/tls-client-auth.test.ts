import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTrust } from '../../lib'
import { makeCertificate } from '../../lib/certificate/make'
import { parseCertificate } from '../../lib/certificate/parse'
import { listed } from '../support/listed'
import { claimsOf, openWorld, type World, type WorldOptions } from '../support/world'

/** RFC 8705 section 2: the certificate alone lets in, where the client is registered so, and only its own. */
let world: World
afterEach(() => world.close())

const handlers = [listed('tls_client_auth', 240), listed('self_signed_tls_client_auth', 250)]

async function open(method: string, more: WorldOptions = {}): Promise<void> {
  world = await openWorld({
    event_listener: handlers,
    a: { token_endpoint_auth_method: method },
    b: { token_endpoint_auth_method: method },
    ...more,
  })
}

const ask = (client_id: string, by: object, fields = {}) =>
  world.post('/oauth2/token', { grant_type: 'client_credentials', client_id, ...fields }, by)

const reason = () => world.only('client.rejected').reason

describe.each(['tls_client_auth', 'self_signed_tls_client_auth'])('%s', (method) => {
  beforeEach(() => open(method))

  test('lets in by the registered certificate, and binds the token to it', async () => {
    const { client_id, certificate, thumbprint } = world.a
    const { status, json } = await ask(client_id, { certificate })
    expect(status).toBe(200)
    expect(claimsOf(json.access_token)).toMatchObject({
      client_id,
      cnf: { 'x5t#S256': thumbprint },
    })
  })

  test('refuses another client’s certificate', async () => {
    const answer = await ask(world.a.client_id, { certificate: world.b.certificate })
    expect(answer.status).toBe(401)
    expect(answer.json.error).toBe('invalid_client')
    expect(reason()).toBe('certificate_untrusted')
  })

  test('refuses no certificate', async () => {
    expect((await ask(world.a.client_id, {})).status).toBe(401)
    expect(reason()).toBe('no_certificate_presented')
  })

  test('is another method than a secret, which is no help and no harm', async () => {
    const { client_id, certificate } = world.a
    expect((await ask(client_id, { certificate }, { client_secret: 'x' })).status).toBe(401)
    expect(reason()).toBe('method_not_allowed')
  })

  test('names the client in the form: a certificate alone is nobody', async () => {
    const { certificate } = world.a
    expect((await ask('', { certificate })).status).toBe(401)
    expect(reason()).toBe('no_client_id')
  })
})

test('a client of mtls-secret gains nothing by its being on: its secret is still asked for', async () => {
  await open('mtls-secret')
  const { client_id, certificate } = world.a
  expect((await ask(client_id, { certificate })).status).toBe(401)
  expect(reason()).toBe('no_secret_presented')
})

test('a client of tls_client_auth loses nothing by mtls-secret: it speaks for itself', async () => {
  await open('tls_client_auth')
  expect(await ask(world.a.client_id, world.a)).toMatchObject({ status: 200 })
})

describe('by a name under the truststore’s CA', () => {
  const now = Date.now()
  const [ca, otherCa] = ['CA', 'Other CA'].map((name) => makeCertificate({ name, ca: true, now }))
  const leaf = (name: string, issuer = ca) => {
    const { certificatePem, keyPem } = makeCertificate({ name, now, ...(issuer && { issuer }) })
    return { certificate: { cert: certificatePem, key: keyPem } }
  }
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'trust-'))
    const file_name = join(directory, 'trust.pem')
    await writeFile(file_name, `${ca?.certificatePem}${otherCa?.certificatePem}`)
    const { subject } = parseCertificate(leaf('by-name').certificate.cert, 'the leaf')
    const { thumbprint } = parseCertificate(ca?.certificatePem ?? '', 'the CA')
    await open('tls_client_auth', {
      trust: await openTrust({
        file_name,
        crl_file_names: [],
        crl_policy: 'if-present',
        ocsp: 'off',
        check_registered: false,
      }),
      a: {
        token_endpoint_auth_method: 'tls_client_auth',
        certificate: [],
        tls_client_auth_subject_dn: subject,
        tls_client_auth_issuer: thumbprint,
      },
    })
  })
  afterEach(() => rm(directory, { recursive: true }))

  test('any certificate of that name lets in, a renewed one too', async () => {
    for (const by of [leaf('by-name'), leaf('by-name')]) {
      expect((await ask(world.a.client_id, by)).status).toBe(200)
    }
  })

  test('another name under the same CA does not, nor the name under another CA', async () => {
    expect((await ask(world.a.client_id, leaf('by-nane'))).status).toBe(401)
    expect(reason()).toBe('certificate_mismatch')
    expect((await ask(world.a.client_id, leaf('by-name', otherCa))).status).toBe(401)
    expect(reason()).toBe('certificate_mismatch')
  })
})
