import { randomBytes, X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import {
  type Certificate,
  forgetCertificates,
  parsedCertificates,
  readCertificate,
} from '../../../lib/certificate/certificate'
import { childrenOf, type Der, DerError, readDer } from '../../../lib/certificate/der'
import { element, oid, sequence } from '../../../lib/certificate/der-writer'
import { purposeIds } from '../../../lib/certificate/extensions'
import { parseCertificate } from '../../../lib/certificate/parse'
import { thumbprintOf } from '../../../lib/certificate/thumbprint'
import {
  opensslLeaf,
  type TestCertificate,
  type TestCertificates,
  testCertificate,
  testCertificates,
} from '../../support/certificates'
import { cpuTime } from '../../support/cpu-time'

let cast: TestCertificates
let rich: TestCertificate
beforeAll(async () => {
  cast = await testCertificates()
  rich = await opensslLeaf(cast.ca, {
    newkey: ['-newkey', 'rsa:2048'],
    subject: '/C=DE/O=Acme+OU=Pay/CN=b\u00fcro, x/emailAddress=a@b.example',
    digest: 'sha384',
    extensions: [
      'basicConstraints=critical,CA:TRUE,pathlen:3',
      'keyUsage=digitalSignature,keyCertSign,decipherOnly',
      'extendedKeyUsage=clientAuth,serverAuth,OCSPSigning',
      'subjectAltName=DNS:a.example,URI:https://a.example/x,IP:192.0.2.1,IP:2001:db8::1,email:a@b.example,RID:1.2.3,otherName:1.2.3;UTF8:x',
      'authorityInfoAccess=OCSP;URI:http://127.0.0.1:1/ocsp,caIssuers;URI:http://127.0.0.1:1/ca',
      'certificatePolicies=critical,1.2.3.4',
    ].join('\n'),
  })
})

const read = ({ der, thumbprint }: TestCertificate): Certificate => readCertificate(der, thumbprint)

test('reads everything that a decision rests on', () => {
  const { purposes, keyUsage, alternativeNames, ...facts } = read(rich)
  expect(facts).toMatchObject({
    subject: 'emailAddress=a@b.example,CN=b\u00fcro\\, x,OU=Pay+O=Acme,C=DE',
    issuer: 'CN=Test CA',
    isCa: true,
    pathLength: 3,
    key: { type: 'rsa', bits: 2048, curve: undefined },
    signatureHash: 'sha384',
    ocspUrls: ['http://127.0.0.1:1/ocsp'],
    unknownCritical: [],
    hasNameConstraints: false,
  })
  expect(purposes).toEqual([purposeIds.clientAuth, purposeIds.serverAuth, purposeIds.ocspSigning])
  expect([...(keyUsage ?? [])]).toEqual(['digitalSignature', 'keyCertSign', 'decipherOnly'])
  expect(alternativeNames).toEqual([
    { kind: 'dns', value: 'a.example' },
    { kind: 'uri', value: 'https://a.example/x' },
    { kind: 'ip', value: Buffer.from([192, 0, 2, 1]) },
    { kind: 'ip', value: Buffer.from('20010db8000000000000000000000001', 'hex') },
    { kind: 'email', value: 'a@b.example' },
  ])
})

test('agrees with OpenSSL on dates, serial number, CA flag and key', () => {
  for (const certificate of [...Object.values(cast), rich]) {
    const ours = read(certificate)
    const theirs = new X509Certificate(certificate.der)
    expect(new Date(ours.notBefore)).toEqual(new Date(theirs.validFrom))
    expect(new Date(ours.notAfter)).toEqual(new Date(theirs.validTo))
    expect(BigInt(`0x${ours.serial}`)).toBe(BigInt(`0x${theirs.serialNumber}`))
    expect(ours.isCa).toBe(theirs.ca)
    expect(ours.key.spki).toEqual(theirs.publicKey.export({ type: 'spki', format: 'der' }))
    const type = theirs.publicKey.asymmetricKeyType
    expect(ours.key.type).toBe(type)
    expect(ours.key.bits).toBe(theirs.publicKey.asymmetricKeyDetails?.modulusLength)
    expect(ours.purposes).toEqual(theirs.keyUsage)
  }
})

test.each<[string, string[], Partial<Certificate['key']>, string]>([
  [
    'EC P-384',
    ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
    { type: 'ec', curve: 'P-384' },
    'sha256',
  ],
  [
    'EC secp256k1',
    ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
    { type: 'ec', curve: '1.3.132.0.10' },
    'sha512',
  ],
  ['Ed25519', ['-newkey', 'ed25519'], { type: 'ed25519' }, 'sha256'],
  ['Ed448', ['-newkey', 'ed448'], { type: 'ed448' }, 'sha256'],
  [
    'RSA-PSS',
    ['-newkey', 'rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048'],
    { type: 'rsa-pss', bits: 2048 },
    'sha256',
  ],
  ['RSA of an odd length', ['-newkey', 'rsa:2047'], { type: 'rsa', bits: 2047 }, 'sha1'],
])('tells the key of %s', async (_, newkey, key, digest) => {
  const leaf = await opensslLeaf(cast.ca, { newkey, subject: '/CN=x', digest })
  expect(read(leaf)).toMatchObject({ key, signatureHash: digest })
})

test('tells the hash under an RSA-PSS signature', async () => {
  const ca = await opensslLeaf(cast.ca, {
    newkey: ['-newkey', 'rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048'],
    subject: '/CN=PSS CA',
    extensions: 'basicConstraints=CA:TRUE',
  })
  const leaf = await opensslLeaf(ca, {
    newkey: ['-newkey', 'ed25519'],
    subject: '/CN=x',
    digest: 'sha384',
  })
  expect(read(leaf).signatureHash).toBe('sha384')
})

test('names the critical extensions that it does not understand', async () => {
  const leaf = await opensslLeaf(cast.ca, {
    newkey: ['-newkey', 'ed25519'],
    subject: '/CN=x',
    extensions:
      '1.2.3.4=critical,DER:0500\n1.2.3.5=DER:0500\nnameConstraints=permitted;DNS:a.example',
  })
  expect(read(leaf)).toMatchObject({ unknownCritical: ['1.2.3.4'], hasNameConstraints: true })
})

/** The certificate with one of its parts changed; the signature is not looked at here. */
function changedCertificate(
  { der }: TestCertificate,
  change: (parts: { toBeSigned: Der[]; outer: Der[] }) => Buffer,
): Buffer {
  const outer = childrenOf(readDer(der))
  const [signed] = outer
  if (signed === undefined) throw new Error('no certificate')
  return change({ toBeSigned: childrenOf(signed), outer })
}
const wholes = (parts: readonly Der[]) => parts.map(({ whole }) => whole)

test('refuses an extension that is there twice, so that no two readers take different ones', () => {
  const twice = changedCertificate(cast.clientA, ({ toBeSigned, outer }) => {
    const extensions = toBeSigned.at(-1)
    const list = extensions && childrenOf(extensions)[0]
    const [first, ...rest] = list === undefined ? [] : childrenOf(list)
    if (first === undefined) throw new Error('no extension')
    const doubled = element(0xa3, sequence(...wholes([first, ...rest, first])))
    return sequence(
      sequence(...wholes(toBeSigned.slice(0, -1)), doubled),
      ...wholes(outer.slice(1)),
    )
  })
  expect(() => readCertificate(twice, 'twice')).toThrow(/there twice/)
})

test('refuses two names of the signature’s algorithm that differ (RFC 5280 section 4.1.1.2)', () => {
  const sha384 = sequence(oid('1.2.840.10045.4.3.3'))
  const differing = changedCertificate(cast.clientA, ({ toBeSigned, outer }) =>
    sequence(sequence(...wholes(toBeSigned)), sha384, ...wholes(outer.slice(2))),
  )
  expect(() => readCertificate(differing, 'differing')).toThrow(/two algorithms/)
})

test('reads dates beyond 2049', () => {
  const { notAfter } = read(testCertificate({ name: 'long', days: 20_000 }))
  expect(new Date(notAfter).getUTCFullYear()).toBeGreaterThan(2070)
})

test('parses a certificate once, however often it is asked for', () => {
  forgetCertificates()
  const before = parsedCertificates()
  for (let times = 0; times < 3; times++) read(cast.clientA)
  expect(parsedCertificates()).toBe(before + 1)
})

test('keeps a bounded number of certificates, the latest', () => {
  for (let index = 0; index < 1100; index++) readCertificate(cast.clientB.der, String(index))
  const before = parsedCertificates()
  readCertificate(cast.clientB.der, '1099')
  expect(parsedCertificates()).toBe(before)
  readCertificate(cast.clientB.der, '0')
  expect(parsedCertificates()).toBe(before + 1)
})

test('keeps a bounded number of bytes: large certificates drive out each other', () => {
  const dnsNames = Array.from({ length: 3000 }, (_, index) => `host-${index}.example`)
  const { der } = testCertificate({ name: 'large', dnsNames })
  forgetCertificates()
  for (let index = 0; index < 100; index++) readCertificate(der, String(index))
  const before = parsedCertificates()
  readCertificate(der, '99')
  expect(parsedCertificates()).toBe(before)
  readCertificate(der, '5')
  expect(parsedCertificates()).toBe(before + 1)
})

test('keeps its own copy: a buffer that is changed afterwards changes nothing', () => {
  const certificate = testCertificate({ name: 'kept' })
  const der = Buffer.from(certificate.der)
  const facts = readCertificate(der, certificate.thumbprint)
  der.fill(0)
  expect(thumbprintOf(facts.der)).toBe(certificate.thumbprint)
})

/** The catalogue asks for 20,000 in the long run. */
const numRuns = process.env.MTLS_SECRET_FULL === '1' ? 20_000 : 600

const mutation = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('set' as const), at: fc.nat(), byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), length: fc.nat(40) }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: fc.nat(),
    bytes: fc.uint8Array({ maxLength: 20 }),
  }),
  fc.record({ kind: fc.constant('double' as const), at: fc.nat(), length: fc.nat(60) }),
)

type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never

function mutate(der: Buffer, mutations: readonly Mutation[]): Buffer {
  let bytes = der
  for (const change of mutations) {
    const at = bytes.length === 0 ? 0 : change.at % bytes.length
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    bytes = Buffer.concat([before, ...changed(after, change)])
  }
  return bytes
}

function changed(after: Buffer, change: Mutation): Uint8Array[] {
  switch (change.kind) {
    case 'flip':
      return [Buffer.from([(after[0] ?? 0) ^ (1 << change.bit)]), after.subarray(1)]
    case 'set':
      return [Buffer.from([change.byte]), after.subarray(1)]
    case 'cut':
      return [after.subarray(change.length)]
    case 'insert':
      return [change.bytes, after]
    case 'double':
      return [after.subarray(0, change.length), after]
  }
}

test('mutated DER is read or refused, never anything else, and never slowly', () => {
  const ders = [cast.clientA.der, cast.rsa1024.der, rich.der]
  fc.assert(
    fc.property(
      fc.constantFrom(...ders),
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      (der, mutations) => {
        const mutated = mutate(der, mutations)
        const start = cpuTime()
        try {
          // A thumbprint of its own for each, so that nothing is found in the cache.
          const facts = readCertificate(mutated, randomBytes(8).toString('hex'))
          expect(facts.subject).toEqual(expect.any(String))
        } catch (error) {
          expect(error).toBeInstanceOf(DerError)
        }
        expect(cpuTime() - start).toBeLessThan(1000)
      },
    ),
    { numRuns },
  )
})

test('what we read in mutated DER, OpenSSL reads the same way', () => {
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 2 }), (mutations) => {
      const mutated = mutate(rich.der, mutations)
      let ours: Certificate
      let theirs: X509Certificate
      try {
        ours = readCertificate(mutated, randomBytes(8).toString('hex'))
        theirs = new X509Certificate(mutated)
      } catch {
        return
      }
      // The other way round it need not be: OpenSSL takes a certificate with any broken extension for none.
      if (theirs.ca) expect(ours.isCa).toBe(true)
      expect(new Date(ours.notAfter)).toEqual(new Date(theirs.validTo))
      expect(ours.purposes ?? []).toEqual(theirs.keyUsage ?? [])
      expect(theirs.raw).toEqual(mutated)
    }),
    { numRuns },
  )
})

test('mutated PEM is refused with a sentence, or read', () => {
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      const mutated = mutate(Buffer.from(cast.clientA.pem), mutations)
      try {
        parseCertificate(mutated, 'x')
      } catch (error) {
        expect(error).toMatchObject({ name: 'SetupError' })
      }
    }),
    { numRuns },
  )
})

test('500 alternative names are read within 50 ms', () => {
  const many = testCertificate({
    name: 'many',
    dnsNames: Array.from({ length: 500 }, (_, index) => `host-${index}.example`),
  })
  const start = cpuTime()
  expect(read(many).alternativeNames).toHaveLength(500)
  expect(cpuTime() - start).toBeLessThan(50)
})
