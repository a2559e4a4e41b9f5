/**
 * docs/behaviour.md says what each client is answered for whatever it presents: every cell is measured
 * here by a request over real TLS, and the page must say the same. `UPDATE_DOCS=1` writes the page.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromProxyHeader, openTrust } from '../../lib'
import {
  opensslLeaf,
  type TestCertificate,
  testCertificate,
  testCertificates,
} from '../support/certificates'
import { listed } from '../support/listed'
import { opensslCrl } from '../support/revocation'
import { type Caller, claimsOf, openWorld, type Person, type World } from '../support/world'

const page = join(__dirname, '..', '..', 'docs/behaviour.md')
const year = 365 * 86_400_000

type Mandate = true | false | 'observe'
type Registration = 'certificate' | 'name' | 'none'

interface Method {
  title: string
  method: string
  registered: Registration
  mandate?: Mandate
}

const methods: readonly Method[] = [
  { title: '`mtls-secret`, by certificate', method: 'mtls-secret', registered: 'certificate' },
  { title: '`mtls-secret`, by a name under a CA', method: 'mtls-secret', registered: 'name' },
  ...([true, 'observe', false] as const).map((mandate) => ({
    title: `\`mtls-secret\`, \`--no-certificate\`, \`MandateMutualSSL = ${JSON.stringify(mandate)}\``,
    method: 'mtls-secret',
    registered: 'none' as const,
    mandate,
  })),
  { title: '`client_secret_basic`', method: 'client_secret_basic', registered: 'none' },
  { title: '`client_secret_post`', method: 'client_secret_post', registered: 'none' },
  {
    title: '`tls_client_auth`, by a name under a CA',
    method: 'tls_client_auth',
    registered: 'name',
  },
  {
    title: '`self_signed_tls_client_auth`, by certificate',
    method: 'self_signed_tls_client_auth',
    registered: 'certificate',
  },
]

type Secret = 'right' | 'wrong' | 'none'
interface Shown {
  title: string
  certificate: TestCertificate | undefined
  secret: Secret
}

type Cast = Awaited<ReturnType<typeof makeCast>>

/** All of one client's certificates bear its name, so that nothing but the flaw tells them apart. */
async function makeCast() {
  const { ca, otherCa } = await testCertificates()
  const name = 'client-a'
  return {
    ca,
    otherCa,
    own: testCertificate({ name, issuer: ca }),
    another: testCertificate({ name: 'client-b', issuer: ca }),
    expired: testCertificate({ name, issuer: ca, now: Date.now() - 2 * year }),
    future: testCertificate({ name, issuer: ca, now: Date.now() + year }),
    authority: testCertificate({ name, issuer: ca, ca: true }),
    serverOnly: testCertificate({ name, issuer: ca, server: true }),
    weak: await opensslLeaf(ca, { newkey: ['-newkey', 'rsa:1024'], subject: '/CN=client-a' }),
    revoked: testCertificate({ name, issuer: ca }),
    selfSigned: testCertificate({ name }),
    otherCaOwn: testCertificate({ name, issuer: otherCa }),
  }
}

const shownOf = (cast: Cast): Shown[] => {
  const by = (title: string, certificate?: TestCertificate, secret: Secret = 'right') => ({
    title,
    certificate,
    secret,
  })
  return [
    by('nothing'),
    by('its own certificate', cast.own),
    by('its own, without secret', cast.own, 'none'),
    by('its own, with a wrong secret', cast.own, 'wrong'),
    by('another client’s', cast.another),
    by('expired', cast.expired),
    by('not yet valid', cast.future),
    by('a CA’s, unregistered', cast.authority),
    by('for servers only', cast.serverOnly),
    by('weak (RSA-1024)', cast.weak),
    by('revoked', cast.revoked),
    by('self-signed, unknown', cast.selfSigned),
    by('same name, another CA', cast.otherCaOwn),
  ]
}

const sources = ['TLS', '`[proxy]` header', 'header of a stranger'] as const
type Source = (typeof sources)[number]

let cast: Cast
let directory: string
const worlds: World[] = []
const people = new Map<string, Person>()

/** A world for each property of the chain and each source; the clients stand in each. */
async function open(source: 'tls' | 'header', mandate: Mandate): Promise<World> {
  const world = await openWorld({
    trust: await openTrust({
      file_name: join(directory, 'trust.pem'),
      crl_file_names: [join(directory, 'crl.pem')],
    }),
    throttle: { failures: 1000, window: 60 },
    event_listener: [
      listed('mtls-secret', 200, { MandateMutualSSL: mandate }),
      listed('client_secret_basic', 210),
      listed('client_secret_post', 220),
      listed('tls_client_auth', 230),
      listed('self_signed_tls_client_auth', 240),
    ],
    ...(source === 'header' && {
      certificate: fromProxyHeader({
        trusted: ['127.0.0.1'],
        verified: { header: 'x-client-verify', value: 'SUCCESS' },
      }),
    }),
  })
  worlds.push(world)
  await world.server.clients.create({
    grant_types: ['client_credentials'],
    certificate: cast.another.pem,
  })
  return world
}

async function register(world: World, { method, registered }: Method): Promise<Person> {
  const pins = [cast.own, cast.expired, cast.future, cast.serverOnly, cast.weak, cast.revoked]
  const identity = {
    certificate: { certificate: pins.map(({ pem }) => pem) },
    name: {
      tls_client_auth_subject_dn: 'CN=client-a',
      tls_client_auth_issuer: cast.ca.thumbprint,
    },
    none: method === 'mtls-secret' ? { without_certificate: true } : {},
  }[registered]
  const { client, client_secret } = await world.server.clients.create({
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: method,
    ...identity,
  })
  return {
    client_id: client.client_id,
    client_secret: client_secret ?? '',
    certificate: { cert: cast.own.pem, key: cast.own.key },
    thumbprint: cast.own.thumbprint,
  }
}

/** As the world sees it: over the connection, or in a header from an address. */
function callerOf(source: Source, certificate: TestCertificate | undefined): Caller {
  if (certificate === undefined) return { from: addressOf(source) }
  const { pem: cert, key, der } = certificate
  // The client shows whatever it is given, weak or not.
  const shown = { cert, key, ciphers: 'DEFAULT@SECLEVEL=0' }
  if (source === 'TLS') return { certificate: shown, from: addressOf(source) }
  const headers = {
    'client-cert': `:${der.toString('base64')}:`,
    'x-client-verify': 'SUCCESS',
  }
  return { headers, from: addressOf(source) }
}

const addressOf = (source: Source) =>
  source === 'header of a stranger' ? '127.0.0.2' : '127.0.0.1'

async function measure(world: World, of: Method, shown: Shown, source: Source): Promise<string> {
  const person = people.get(`${worlds.indexOf(world)} ${of.title}`)
  if (person === undefined) throw new Error(of.title)
  const { client_id, client_secret } = person
  const isBySecret = client_secret !== ''
  const wrong = `${client_secret}x`
  // A method without secret is asked with one only where a wrong one is the question.
  const secret = { none: undefined, wrong, right: isBySecret ? client_secret : undefined }[
    shown.secret
  ]
  const isBasic = of.method === 'client_secret_basic' && secret !== undefined
  const caller = callerOf(source, shown.certificate)
  world.events.length = 0
  const { status, json } = await world.post(
    '/oauth2/token',
    {
      grant_type: 'client_credentials',
      ...(isBasic ? {} : { client_id }),
      ...(isBasic || secret === undefined ? {} : { client_secret: secret }),
    },
    {
      ...caller,
      headers: {
        ...caller.headers,
        ...(isBasic && {
          authorization: `Basic ${Buffer.from(`${client_id}:${secret}`).toString('base64')}`,
        }),
      },
    },
  )
  if (status !== 200) {
    expect(json).toEqual({ error: 'invalid_client', error_description: expect.any(String) })
    return `${status} \`${world.only('client.rejected').reason}\``
  }
  const observed = world.only('token.issued').would_be_refused === true
  return `200, ${binding(json.access_token, shown)}${observed ? ', `would_be_refused`' : ''}`
}

function binding(token: string, { certificate }: Shown): string {
  const bound = claimsOf(token).cnf?.['x5t#S256']
  if (bound === undefined) return 'unbound'
  expect(bound).toBe(certificate?.thumbprint)
  return 'bound'
}

const rows = new Map<string, string[]>()

beforeAll(async () => {
  cast = await makeCast()
  directory = await mkdtemp(join(tmpdir(), 'behaviour-'))
  await writeFile(join(directory, 'trust.pem'), cast.ca.pem + cast.otherCa.pem)
  await writeFile(
    join(directory, 'crl.pem'),
    await opensslCrl(cast.ca, { revoked: [cast.revoked] }),
  )
  for (const mandate of [true, 'observe', false] as const) {
    const [direct, behind] = [await open('tls', mandate), await open('header', mandate)]
    for (const method of methods.filter(({ mandate: own = true }) => own === mandate)) {
      for (const world of [direct, behind]) {
        people.set(`${worlds.indexOf(world)} ${method.title}`, await register(world, method))
      }
      for (const shown of shownOf(cast)) {
        const cells: string[] = []
        for (const source of sources) {
          cells.push(await measure(source === 'TLS' ? direct : behind, method, shown, source))
        }
        rows.set(`${method.title} ${shown.title}`, cells)
      }
    }
  }
}, 60_000)
afterAll(async () => {
  for (const world of worlds) await world.close()
  await rm(directory, { recursive: true })
})

function written(): string {
  const table = ({ title }: Method) => [
    `## ${title}`,
    '',
    `| presented | ${sources.join(' | ')} |`,
    '|---|---|---|---|',
    ...shownOf(cast).map(
      (shown) => `| ${shown.title} | ${(rows.get(`${title} ${shown.title}`) ?? []).join(' | ')} |`,
    ),
    '',
  ]
  return [introduction, ...methods.flatMap(table)].join('\n')
}

const introduction = `# Behaviour: what each client is answered

Every cell was measured over real TLS by \`test/docs/behaviour.test.ts\`, which fails when this page says
anything else; \`UPDATE_DOCS=1 npx jest test/docs/behaviour\` writes it. The reason stands in the audit line
alone: the caller reads 401 \`invalid_client\`, the same for all of them.

- **TLS**: on the connection itself. **\`[proxy]\` header**: in \`Client-Cert\` (RFC 9440) from a listed
  proxy that says \`SUCCESS\` of each, so that nothing but our own judgement stands between. **Header of a
  stranger**: the same lines from an address that isn't listed, on a connection without certificate.
- Two CAs are trusted; the client’s own is the first. Its flawed certificates bear its name, and are all
  registered where a client goes by certificate: that alone helps none of them.
- Each request carries the right secret unless the row says otherwise; the two methods without a secret
  carry none. A client without certificate calls one its own that is registered for nobody.
- *bound*: the token holds the thumbprint of what was presented, and is good with that alone. *unbound*:
  bound routes refuse it.
`

test('no cell is empty', () => {
  expect(rows.size).toBe(methods.length * shownOf(cast).length)
  for (const cells of rows.values()) {
    expect(cells).toHaveLength(sources.length)
    for (const cell of cells) expect(cell).toMatch(/^(200, (un)?bound|401 `[a-z_]+`)/)
  }
})

test('the page says what was measured', async () => {
  if (process.env.UPDATE_DOCS === '1') await writeFile(page, written())
  expect(await readFile(page, 'utf8')).toBe(written())
})
