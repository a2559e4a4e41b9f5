import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type JudgedClient, judgeCertificate } from '../../../lib/certificate/judge'
import type { RegisteredIdentity } from '../../../lib/certificate/match'
import { makePresented, type Presented } from '../../../lib/certificate/presented'
import { openTrust, type Trust, type TruststoreSettings } from '../../../lib/certificate/trust'
import {
  opensslLeaf,
  opensslSeedCertificate,
  type TestCertificate,
  type TestCertificates,
  testCertificate,
  testCertificates,
} from '../../support/certificates'
import { cpuTime } from '../../support/cpu-time'
import { opensslCrl } from '../../support/revocation'

let cast: TestCertificates
let dir: string
beforeAll(async () => {
  cast = await testCertificates()
  dir = await mkdtemp(join(tmpdir(), 'mtls-secret-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const year = 365 * 86_400_000
const ed25519 = ['-newkey', 'ed25519']
let files = 0

interface World extends Omit<TruststoreSettings, 'file_name'> {
  store?: TestCertificate[]
  registered?: TestCertificate[]
}

async function trustOf({ store, registered = [], ...settings }: World): Promise<Trust> {
  const file_name = join(dir, `${files++}.pem`)
  if (store !== undefined) await writeFile(file_name, store.map(({ pem }) => pem).join(''))
  const trust = await openTrust(store && { ...settings, file_name })
  trust.setRegistered(new Set(registered.map(({ thumbprint }) => thumbprint)))
  return trust
}

async function crlFile(
  ca: TestCertificate,
  wish: Parameters<typeof opensslCrl>[1],
): Promise<string> {
  const file = join(dir, `${files++}.crl`)
  await writeFile(file, await opensslCrl(ca, wish))
  return file
}

const shown = (
  { der }: TestCertificate,
  chain: TestCertificate[] = [],
  source: 'tls' | 'proxy' = 'tls',
) => makePresented(der, source, () => chain.map((certificate) => certificate.der))
const pinned = (...certificates: TestCertificate[]): JudgedClient => ({
  certificates,
  tls_identity: undefined,
})
const named = (
  value: string,
  issuer?: TestCertificate,
  kind: RegisteredIdentity['kind'] = 'subject_dn',
): JudgedClient => ({
  certificates: [],
  tls_identity: { kind, value, issuer: issuer?.thumbprint },
})
const judge = (
  presented: Presented | undefined,
  client: JudgedClient,
  trust: Trust,
  now = Date.now(),
) => judgeCertificate(presented, client, trust, now)

describe('a registered certificate, without a truststore,', () => {
  let trust: Trust
  beforeAll(async () => {
    trust = await trustOf({})
  })

  test('is believed, whoever signed it, without waiting', () => {
    for (const certificate of [cast.selfSignedA, cast.clientA, cast.otherCaClient]) {
      expect(judge(shown(certificate), pinned(certificate), trust)).toBeUndefined()
    }
  })

  test('is believed over a proxy as over TLS', () => {
    expect(judge(shown(cast.clientA, [], 'proxy'), pinned(cast.clientA), trust)).toBeUndefined()
  })

  test('is believed as any of several, so that a renewal overlaps', () => {
    const client = pinned(cast.clientA, cast.selfSignedA)
    expect(judge(shown(cast.clientA), client, trust)).toBeUndefined()
    expect(judge(shown(cast.selfSignedA), client, trust)).toBeUndefined()
  })

  test('is not believed when it was renewed, even with the same key and name', async () => {
    const renewed = await opensslLeaf(cast.ca, {
      newkey: ['-key', 'old.key'],
      subject: '/CN=client-a',
      files: { 'old.key': cast.clientA.key },
    })
    expect(judge(shown(renewed), pinned(cast.clientA), trust)).toBe('certificate_untrusted')
    expect(judge(shown(renewed), pinned(cast.clientA, renewed), trust)).toBeUndefined()
  })

  test('is the page’s own, CA:TRUE and without a purpose', async () => {
    const seed = await opensslSeedCertificate(dir)
    expect(judge(shown(seed), pinned(seed), trust)).toBeUndefined()
    expect(judge(shown(seed), pinned(cast.clientA), trust)).toBe('certificate_is_ca')
  })

  test.each<[string, (c: TestCertificates) => TestCertificate, string]>([
    ['expired', (c) => c.expired, 'certificate_expired'],
    ['not valid yet', (c) => c.future, 'certificate_not_yet_valid'],
    ['for servers alone', (c) => c.serverOnly, 'certificate_purpose'],
    ['too weak', (c) => c.rsa1024, 'certificate_weak'],
  ])('is refused while it is %s', (_, pick, reason) => {
    expect(judge(shown(pick(cast)), pinned(pick(cast)), trust)).toBe(reason)
  })

  test.each<[string, string[], string, string, string]>([
    ['an old hash', ed25519, '', 'certificate_weak', 'sha1'],
    [
      'a curve of other uses',
      ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
      '',
      'certificate_weak',
      'sha256',
    ],
    [
      'a key for encryption alone',
      ed25519,
      'keyUsage=keyEncipherment',
      'certificate_purpose',
      'sha256',
    ],
    [
      'any purpose',
      ed25519,
      'extendedKeyUsage=anyExtendedKeyUsage',
      'certificate_purpose',
      'sha256',
    ],
    [
      'an unknown critical extension',
      ed25519,
      '1.2.3.4=critical,DER:0500',
      'certificate_untrusted',
      'sha256',
    ],
  ])('is refused with %s', async (_, newkey, extensions, reason, digest) => {
    const rsaCa = await opensslSeedCertificate(dir)
    const leaf = await opensslLeaf(rsaCa, { newkey, subject: '/CN=x', extensions, digest })
    expect(judge(shown(leaf), pinned(leaf), trust)).toBe(reason)
  })

  test('expires while the connection is kept alive', () => {
    const short = testCertificate({ name: 'short', days: 1 })
    const presented = shown(short)
    const end = presented.certificate().notAfter
    expect(judge(presented, pinned(short), trust, end)).toBeUndefined()
    expect(judge(presented, pinned(short), trust, end + 1)).toBe('certificate_expired')
  })
})

describe('the order of reasons', () => {
  test('registered comes before presented, presented before anything else', async () => {
    const trust = await trustOf({})
    const nobody: JudgedClient = { certificates: [], tls_identity: undefined }
    expect(judge(undefined, nobody, trust)).toBe('no_certificate_registered')
    expect(judge(shown(cast.clientA), nobody, trust)).toBe('no_certificate_registered')
    expect(judge(undefined, pinned(cast.clientA), trust)).toBe('no_certificate_presented')
  })

  test('dates, CA flag, purpose, strength, revocation, trust, match: the first that applies', async () => {
    const { ca, otherCa } = cast
    const bad = { dates: true, ca: true, purpose: true, weak: true }
    const wish = (what: Partial<typeof bad>) =>
      opensslLeaf(ca, {
        newkey: ['-newkey', what.weak ? 'rsa:1024' : 'rsa:2048'],
        subject: '/CN=bad',
        extensions: [
          what.ca ? 'basicConstraints=CA:TRUE' : 'basicConstraints=CA:FALSE',
          ...(what.purpose ? ['extendedKeyUsage=serverAuth'] : []),
        ].join('\n'),
      })
    const all = await wish(bad)
    const purpose = await wish({ purpose: true, weak: true })
    const weak = await wish({ weak: true })
    const revoked = await wish({})
    const good = await wish({})
    const everything = [all, purpose, weak, revoked]
    const crl_file_names = [await crlFile(ca, { revoked: everything })]
    const under = await trustOf({ store: [ca], crl_file_names })
    const elsewhere = await trustOf({ store: [otherCa] })
    const client = named('CN=other', ca)
    const later = Date.now() + 2 * year
    expect(judge(shown(all), client, under, later)).toBe('certificate_expired')
    expect(judge(shown(all), client, under)).toBe('certificate_is_ca')
    expect(judge(shown(purpose), client, under)).toBe('certificate_purpose')
    expect(judge(shown(weak), client, under)).toBe('certificate_weak')
    expect(judge(shown(revoked), client, under)).toBe('certificate_revoked')
    expect(judge(shown(good), client, elsewhere)).toBe('certificate_untrusted')
    expect(judge(shown(good), client, under)).toBe('certificate_mismatch')
  })
})

describe('a name under a named CA', () => {
  test('is believed from the certificates of that CA', async () => {
    const trust = await trustOf({ store: [cast.ca, cast.otherCa] })
    expect(judge(shown(cast.clientA), named('CN=client-a', cast.ca), trust)).toBeUndefined()
    expect(judge(shown(cast.clientB), named('CN=client-a', cast.ca), trust)).toBe(
      'certificate_mismatch',
    )
  })

  test('is not believed from another trusted CA with the same subject', async () => {
    const trust = await trustOf({ store: [cast.ca, cast.otherCa] })
    const client = named('CN=client-a', cast.ca)
    expect(judge(shown(cast.otherCaClient), client, trust)).toBe('certificate_mismatch')
    expect(judge(shown(cast.otherCaClient, [cast.otherCa, cast.ca]), client, trust)).toBe(
      'certificate_mismatch',
    )
  })

  test('is believed below an intermediate, which may itself be the named CA', async () => {
    const trust = await trustOf({ store: [cast.ca] })
    const presented = shown(cast.intermediateClient, [cast.intermediate])
    expect(judge(presented, named('CN=client-a', cast.ca), trust)).toBeUndefined()
    expect(judge(presented, named('CN=client-a', cast.intermediate), trust)).toBeUndefined()
    expect(judge(shown(cast.clientA), named('CN=client-a', cast.intermediate), trust)).toBe(
      'certificate_mismatch',
    )
    expect(judge(shown(cast.intermediateClient), named('CN=client-a', cast.ca), trust)).toBe(
      'certificate_untrusted',
    )
  })

  test('stands for the only anchor where no CA is named, and for none of several', async () => {
    const one = await trustOf({ store: [cast.ca] })
    const two = await trustOf({ store: [cast.ca, cast.otherCa] })
    const client = named('CN=client-a')
    expect(judge(shown(cast.clientA), client, one)).toBeUndefined()
    expect(judge(shown(cast.clientA), client, two)).toBe('certificate_mismatch')
  })

  test('may be a SAN of any kind', async () => {
    const trust = await trustOf({ store: [cast.ca] })
    const leaf = testCertificate({
      name: 'x',
      issuer: cast.ca,
      dnsNames: ['a.example'],
      ips: ['::1'],
    })
    expect(judge(shown(leaf), named('A.example', cast.ca, 'san_dns'), trust)).toBeUndefined()
    expect(judge(shown(leaf), named('0::1', cast.ca, 'san_ip'), trust)).toBeUndefined()
    expect(judge(shown(leaf), named('a.example', cast.ca, 'san_uri'), trust)).toBe(
      'certificate_mismatch',
    )
  })

  test('is never believed without a truststore, nor from a self-signed certificate', async () => {
    const none = await trustOf({})
    const trust = await trustOf({ store: [cast.ca] })
    const own = testCertificate({ name: 'client-a' })
    expect(judge(shown(cast.clientA, [cast.ca]), named('CN=client-a', cast.ca), none)).toBe(
      'certificate_untrusted',
    )
    expect(judge(shown(own), named('CN=client-a', cast.ca), trust)).toBe('certificate_untrusted')
  })

  test('is believed from the leaf that a trusted CA signed, never from a CA itself', async () => {
    const trust = await trustOf({ store: [cast.ca] })
    expect(judge(shown(cast.caLeaf), named('CN=client-a', cast.ca), trust)).toBe(
      'certificate_is_ca',
    )
    expect(judge(shown(cast.ca), named('CN=Test CA', cast.ca), trust)).toBe('certificate_is_ca')
  })
})

test('a client whose self-signed CA:TRUE certificate stands in the store can’t mint another’s name', async () => {
  const attacker = await opensslSeedCertificate(dir)
  const minted = await opensslLeaf(attacker, { newkey: ed25519, subject: '/CN=victim' })
  const trust = await trustOf({ store: [cast.ca, attacker], registered: [attacker] })
  for (const victim of [
    named('CN=victim', cast.ca),
    named('CN=victim', attacker),
    named('CN=victim'),
  ]) {
    expect(judge(shown(minted, [attacker]), victim, trust)).toBe('certificate_untrusted')
  }
  expect(judge(shown(minted, [attacker]), pinned(cast.clientA), trust)).toBe(
    'certificate_untrusted',
  )
  expect(judge(shown(attacker), pinned(attacker), trust)).toBeUndefined()
})

describe('the page’s three-way validation, check_registered,', () => {
  const check_registered = true

  test('asks of a registered certificate that it stands in the store, or chains to it', async () => {
    const { ca, otherCa, clientA, selfSignedA } = cast
    const judged = async (certificate: TestCertificate, store: TestCertificate[], check = true) =>
      judge(
        shown(certificate),
        pinned(certificate),
        await trustOf({ store, registered: [certificate], check_registered: check }),
      )
    expect(await judged(clientA, [ca])).toBeUndefined()
    expect(await judged(clientA, [otherCa])).toBe('certificate_untrusted')
    expect(await judged(clientA, [otherCa], false)).toBeUndefined()
    expect(await judged(clientA, [otherCa, clientA])).toBeUndefined()
    expect(await judged(selfSignedA, [ca, selfSignedA])).toBeUndefined()
    expect(await judged(selfSignedA, [ca])).toBe('certificate_untrusted')
  })

  test('makes nobody an anchor by standing in the store', async () => {
    const { selfSignedA, ca } = cast
    const forged = await opensslLeaf(selfSignedA, { newkey: ed25519, subject: '/CN=x' })
    const trust = await trustOf({
      store: [ca, selfSignedA],
      registered: [selfSignedA, forged],
      check_registered,
    })
    expect(judge(shown(forged, [selfSignedA]), pinned(forged), trust)).toBe('certificate_untrusted')
  })
})

describe('a CRL', () => {
  test('takes a revoked certificate out, registered or named, and no other', async () => {
    const { ca, clientA, clientB } = cast
    const trust = await trustOf({
      store: [ca],
      crl_file_names: [await crlFile(ca, { revoked: [clientA] })],
    })
    expect(judge(shown(clientA), named('CN=client-a', ca), trust)).toBe('certificate_revoked')
    expect(judge(shown(clientA), pinned(clientA), trust)).toBe('certificate_revoked')
    expect(judge(shown(clientA), pinned(clientB), trust)).toBe('certificate_revoked')
    expect(judge(shown(clientB), named('CN=client-b', ca), trust)).toBeUndefined()
    expect(judge(shown(clientB), pinned(clientB), trust)).toBeUndefined()
  })

  test('that is stale refuses the certificates of its CA, and still knows who is revoked', async () => {
    const { ca, clientA, clientB } = cast
    const stale = await crlFile(ca, { revoked: [clientA], hours: -1 })
    const trust = await trustOf({ store: [ca], crl_file_names: [stale] })
    expect(judge(shown(clientB), named('CN=client-b', ca), trust)).toBe('crl_expired')
    expect(judge(shown(clientB), pinned(clientB), trust)).toBe('crl_expired')
    expect(judge(shown(clientA), pinned(clientA), trust)).toBe('certificate_revoked')
  })

  test('goes stale while the server runs', async () => {
    const { ca, clientA } = cast
    const trust = await trustOf({ store: [ca], crl_file_names: [await crlFile(ca, { hours: 24 })] })
    const hour = 3_600_000
    expect(judge(shown(clientA), pinned(clientA), trust, Date.now() + 23 * hour)).toBeUndefined()
    expect(judge(shown(clientA), pinned(clientA), trust, Date.now() + 25 * hour)).toBe(
      'crl_expired',
    )
  })

  test('of one CA leaves self-signed clients and other CAs’ clients alone, unless it is required', async () => {
    const { ca, otherCa, otherCaClient, selfSignedA } = cast
    const world = { store: [ca, otherCa], crl_file_names: [await crlFile(ca, { hours: -1 })] }
    const ifPresent = await trustOf(world)
    const required = await trustOf({ ...world, crl_policy: 'required' })
    for (const trust of [ifPresent, required]) {
      expect(judge(shown(selfSignedA), pinned(selfSignedA), trust)).toBeUndefined()
    }
    expect(judge(shown(otherCaClient), named('CN=client-a', otherCa), ifPresent)).toBeUndefined()
    expect(judge(shown(otherCaClient), named('CN=client-a', otherCa), required)).toBe('crl_expired')
    expect(judge(shown(otherCaClient), pinned(otherCaClient), required)).toBe('crl_expired')
  })

  test('that is required can’t be got around by leaving out the intermediate that leads to it', async () => {
    const { ca, intermediate, intermediateClient } = cast
    const crl_file_names = [await crlFile(ca, { revoked: [intermediate] })]
    const trust = await trustOf({ store: [ca], crl_file_names, crl_policy: 'required' })
    const client = pinned(intermediateClient)
    expect(judge(shown(intermediateClient, [intermediate]), client, trust)).toBe(
      'certificate_revoked',
    )
    expect(judge(shown(intermediateClient), client, trust)).toBe('crl_expired')
  })

  test('takes out an intermediate with all below it', async () => {
    const { ca, intermediate, intermediateClient } = cast
    const trust = await trustOf({
      store: [ca],
      crl_file_names: [await crlFile(ca, { revoked: [intermediate] })],
    })
    const presented = shown(intermediateClient, [intermediate])
    expect(judge(presented, named('CN=client-a', ca), trust)).toBe('certificate_revoked')
  })

  test('the newest of a CA counts, in whatever order they are named', async () => {
    const { ca, clientA } = cast
    const older = await crlFile(ca, { hours: -1 })
    const newer = await crlFile(ca, { revoked: [clientA] })
    for (const crl_file_names of [
      [older, newer],
      [newer, older],
    ]) {
      const trust = await trustOf({ store: [ca], crl_file_names })
      expect(judge(shown(clientA), pinned(clientA), trust)).toBe('certificate_revoked')
      expect(judge(shown(cast.clientB), pinned(cast.clientB), trust)).toBeUndefined()
    }
  })

  test('can’t be got around by a cross-signed certificate of its CA that the client brings along', async () => {
    const { ca, otherCa, clientA } = cast
    const cross = await opensslLeaf(otherCa, {
      newkey: ['-key', 'cross.key'],
      subject: '/CN=Test CA',
      extensions: 'basicConstraints=critical,CA:TRUE',
      files: { 'cross.key': ca.key },
    })
    const trust = await trustOf({
      store: [ca, otherCa],
      crl_file_names: [await crlFile(ca, { revoked: [clientA] })],
    })
    const presented = shown(clientA, [cross])
    for (const issuer of [ca, otherCa]) {
      expect(judge(presented, named('CN=client-a', issuer), trust)).toBe('certificate_revoked')
    }
  })

  test('counts for a registered certificate after its CA’s own time is over', async () => {
    const old = testCertificate({
      name: 'Old CA',
      ca: true,
      days: 1,
      now: Date.now() - 86_400_000 * 2,
    })
    const leaf = testCertificate({ name: 'x', issuer: old })
    const trust = await trustOf({
      store: [old],
      crl_file_names: [await crlFile(old, { revoked: [leaf] })],
    })
    expect(judge(shown(leaf), pinned(leaf), trust)).toBe('certificate_revoked')
  })
})

describe('a reload reaches what is already connected:', () => {
  test('a CA that is removed, and one that is added, with the next judgement', async () => {
    const { ca, otherCa, clientA, otherCaClient } = cast
    const file_name = join(dir, `${files++}.pem`)
    await writeFile(file_name, ca.pem)
    const trust = await openTrust({ file_name })
    trust.setRegistered(new Set())
    const [a, other] = [shown(clientA), shown(otherCaClient)]
    expect(judge(a, named('CN=client-a', ca), trust)).toBeUndefined()
    expect(judge(other, named('CN=client-a', otherCa), trust)).toBe('certificate_untrusted')
    await writeFile(file_name, otherCa.pem)
    await trust.reload()
    expect(judge(a, named('CN=client-a', ca), trust)).toBe('certificate_untrusted')
    expect(judge(other, named('CN=client-a', otherCa), trust)).toBeUndefined()
  })
})

test('what is not a certificate is untrusted, without a throw', async () => {
  const trust = await trustOf({ store: [cast.ca] })
  const presented = makePresented(Buffer.from('3003020101', 'hex'), 'tls')
  const client = pinned({ ...cast.clientA, thumbprint: presented.thumbprint })
  expect(judge(presented, client, trust)).toBe('certificate_untrusted')
  const withGarbage = makePresented(cast.clientA.der, 'tls', () => [Buffer.from('garbage')])
  expect(judge(withGarbage, named('CN=client-a', cast.ca), trust)).toBeUndefined()
})

test('a certificate with 500 names is judged within 50 ms', async () => {
  const trust = await trustOf({ store: [cast.ca] })
  const dnsNames = Array.from({ length: 500 }, (_, index) => `host-${index}.example`)
  const many = testCertificate({ name: 'many', issuer: cast.ca, dnsNames })
  const start = cpuTime()
  expect(judge(shown(many), named('host-499.example', cast.ca, 'san_dns'), trust)).toBeUndefined()
  expect(cpuTime() - start).toBeLessThan(50)
})

test('a pin costs next to nothing on the hot path', async () => {
  const trust = await trustOf({ store: [cast.ca] })
  const presented = shown(cast.clientA)
  const client = pinned(cast.clientB, cast.clientA)
  const start = cpuTime()
  for (let times = 0; times < 10_000; times++) await judge(presented, client, trust)
  expect((cpuTime() - start) / 10_000).toBeLessThan(0.05)
})
