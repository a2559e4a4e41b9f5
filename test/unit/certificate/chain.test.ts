import { type Authorities, sortAuthorities, unfitness } from '../../../lib/certificate/authorities'
import { readCertificate } from '../../../lib/certificate/certificate'
import { pathsOf } from '../../../lib/certificate/chain'
import { purposeIds } from '../../../lib/certificate/extensions'
import {
  opensslLeaf,
  type TestCertificate,
  type TestCertificates,
  testCertificate,
  testCertificates,
} from '../../support/certificates'
import { cpuTime } from '../../support/cpu-time'
import { withHandshake } from '../../support/handshake'

const read = ({ der, thumbprint }: TestCertificate) => readCertificate(der, thumbprint)
const authorities = (...cas: TestCertificate[]): Authorities =>
  sortAuthorities(cas.map(read), new Set())
const year = 365 * 86_400_000

interface Fixture {
  title: string
  leaf: TestCertificate
  chain?: TestCertificate[]
  anchors: TestCertificate[]
  /** Whether a chain leads to an anchor. */
  trusted: boolean
  /** We refuse what OpenSSL takes. */
  stricter?: true
}

let cast: TestCertificates
let fixtures: Fixture[]

/** A CA made by openssl, for what we never make. */
const caOf = (issuer: TestCertificate, name: string, extensions: string) =>
  opensslLeaf(issuer, { newkey: ed25519, subject: `/CN=${name}`, extensions })
const ed25519 = ['-newkey', 'ed25519']
const caTrue = 'basicConstraints=critical,CA:TRUE'

beforeAll(async () => {
  cast = await testCertificates()
  const { ca, otherCa, intermediate, clientA, intermediateClient, selfSignedA } = cast
  // We would not sign with these; openssl does.
  const forgedBy = (issuer: TestCertificate) =>
    opensslLeaf(issuer, { newkey: ed25519, subject: '/CN=leaf' })
  const leafOf = (issuer: TestCertificate) => testCertificate({ name: 'leaf', issuer })

  const noLength = await caOf(ca, 'Pathlen 0', `${caTrue},pathlen:0`)
  const below = testCertificate({ name: 'Below', ca: true, issuer: noLength })
  const noSigning = await caOf(ca, 'No signing', `${caTrue}\nkeyUsage=cRLSign`)
  const serverCa = await caOf(ca, 'Server CA', `${caTrue}\nextendedKeyUsage=serverAuth`)
  const clientCa = await caOf(ca, 'Client CA', `${caTrue}\nextendedKeyUsage=clientAuth,serverAuth`)
  const constrained = await caOf(
    ca,
    'Constrained',
    `${caTrue}\nnameConstraints=critical,permitted;DNS:leaf`,
  )
  const odd = await caOf(ca, 'Odd', `${caTrue}\n1.2.3.4=critical,DER:0500`)
  const sha1 = await opensslLeaf(ca, {
    newkey: ['-newkey', 'rsa:2048'],
    subject: '/CN=SHA-1',
    extensions: caTrue,
    digest: 'sha1',
  })
  const oldCa = testCertificate({ name: 'Old CA', ca: true, now: Date.now() - 2 * year })
  const oldBetween = testCertificate({
    name: 'Old between',
    ca: true,
    issuer: ca,
    now: Date.now() - 2 * year,
  })
  const newBetween = testCertificate({
    name: 'New between',
    ca: true,
    issuer: ca,
    now: Date.now() + year,
  })
  // The same names as the real chain, other keys.
  const falseCa = testCertificate({ name: 'Test CA', ca: true })
  const falseBetween = testCertificate({ name: 'Intermediate CA', ca: true, issuer: falseCa })
  const deep = Array.from({ length: 7 }).reduce<TestCertificate[]>(
    (chain) => [
      testCertificate({ name: `Level ${chain.length}`, ca: true, issuer: chain[0] ?? ca }),
      ...chain,
    ],
    [],
  )
  fixtures = [
    { title: 'a leaf of an anchor', leaf: clientA, anchors: [ca], trusted: true },
    {
      title: 'a leaf of an anchor among others',
      leaf: clientA,
      anchors: [otherCa, ca],
      trusted: true,
    },
    {
      title: 'a leaf of an anchor that was sent along',
      leaf: clientA,
      chain: [ca],
      anchors: [ca],
      trusted: true,
    },
    { title: 'a leaf of another CA', leaf: cast.otherCaClient, anchors: [ca], trusted: false },
    {
      title: 'a leaf of another CA that was sent along',
      leaf: cast.otherCaClient,
      chain: [otherCa],
      anchors: [ca],
      trusted: false,
    },
    { title: 'a self-signed one', leaf: selfSignedA, anchors: [ca], trusted: false },
    {
      title: 'a self-signed one that stands in the store',
      leaf: selfSignedA,
      anchors: [ca, selfSignedA],
      trusted: false,
      stricter: true,
    },
    {
      title: 'a leaf below an intermediate that was sent',
      leaf: intermediateClient,
      chain: [intermediate],
      anchors: [ca],
      trusted: true,
    },
    {
      title: 'a leaf below an intermediate that stands in the store',
      leaf: intermediateClient,
      anchors: [ca, intermediate],
      trusted: true,
    },
    {
      title: 'a leaf below an intermediate that is not there',
      leaf: intermediateClient,
      anchors: [ca],
      trusted: false,
    },
    {
      title: 'a leaf below an intermediate without its root',
      leaf: intermediateClient,
      anchors: [intermediate],
      trusted: false,
    },
    {
      title: 'a leaf below an intermediate, sent in disorder',
      leaf: intermediateClient,
      chain: [ca, otherCa, intermediate],
      anchors: [ca],
      trusted: true,
    },
    {
      title: 'a leaf signed by a leaf',
      leaf: await forgedBy(clientA),
      chain: [clientA],
      anchors: [ca],
      trusted: false,
    },
    {
      title: 'a leaf signed by a self-signed leaf in the store',
      leaf: await forgedBy(selfSignedA),
      anchors: [ca, selfSignedA],
      trusted: false,
    },
    {
      title: 'a CA two below a path length of 0',
      leaf: leafOf(below),
      chain: [below, noLength],
      anchors: [ca],
      trusted: false,
    },
    {
      title: 'a leaf right below a path length of 0',
      leaf: leafOf(noLength),
      chain: [noLength],
      anchors: [ca],
      trusted: true,
    },
    {
      title: 'a CA that may not sign certificates',
      leaf: await forgedBy(noSigning),
      chain: [noSigning],
      anchors: [ca],
      trusted: false,
    },
    {
      title: 'a CA for servers alone',
      leaf: leafOf(serverCa),
      chain: [serverCa],
      anchors: [ca],
      trusted: false,
    },
    {
      title: 'a CA for clients too',
      leaf: leafOf(clientCa),
      chain: [clientCa],
      anchors: [ca],
      trusted: true,
    },
    {
      title: 'a CA with an unknown critical extension',
      leaf: leafOf(odd),
      chain: [odd],
      anchors: [ca],
      trusted: false,
    },
    {
      title: 'a CA with name constraints',
      leaf: leafOf(constrained),
      chain: [constrained],
      anchors: [ca],
      trusted: false,
      stricter: true,
    },
    {
      title: 'a CA signed with SHA-1',
      leaf: leafOf(sha1),
      chain: [sha1],
      anchors: [ca],
      trusted: false,
    },
    {
      title: 'an intermediate that expired',
      leaf: leafOf(oldBetween),
      chain: [oldBetween],
      anchors: [ca],
      trusted: false,
    },
    {
      title: 'an intermediate that is not valid yet',
      leaf: leafOf(newBetween),
      chain: [newBetween],
      anchors: [ca],
      trusted: false,
    },
    { title: 'an anchor that expired', leaf: leafOf(oldCa), anchors: [oldCa], trusted: false },
    {
      title: 'a CA of the same name with another key',
      leaf: leafOf(falseCa),
      chain: [falseCa],
      anchors: [ca],
      trusted: false,
    },
    {
      title: 'an intermediate of the same name with another key',
      leaf: leafOf(falseBetween),
      chain: [falseBetween, falseCa, intermediate],
      anchors: [ca],
      trusted: false,
    },
    {
      title: 'both CAs of one name in the store',
      leaf: clientA,
      anchors: [falseCa, ca],
      trusted: true,
    },
    {
      title: 'six CAs between',
      leaf: leafOf(deep[1] ?? ca),
      chain: deep.slice(1),
      anchors: [ca],
      trusted: true,
    },
    {
      title: 'seven CAs between',
      leaf: leafOf(deep[0] ?? ca),
      chain: deep,
      anchors: [ca],
      trusted: false,
      stricter: true,
    },
    { title: 'an RSA-1024 leaf', leaf: cast.rsa1024, anchors: [ca], trusted: true },
    {
      title: 'a leaf whose purpose is a server',
      leaf: cast.serverOnly,
      anchors: [ca],
      trusted: true,
    },
    { title: 'nothing to end at', leaf: clientA, anchors: [], trusted: false },
  ]
}, 60_000)

function leads({ leaf, chain = [], anchors }: Fixture, now = Date.now()): boolean {
  const paths = pathsOf(read(leaf), chain.map(read), authorities(...anchors), now)
  return [...paths].length > 0
}

/** Every fixture is a real handshake: the leaf with its chain, and OpenSSL with the same anchors. */
async function opensslVerdict({ leaf, chain = [], anchors }: Fixture): Promise<boolean> {
  // The level of Node 20 and 22 on Node 24 too: SHA-1 is out, the length of a leaf's key no matter.
  const serverOptions = { ca: anchors.map(({ pem }) => pem), ciphers: 'DEFAULT@SECLEVEL=1' }
  const shake = { server: cast.server, client: leaf, chain, serverOptions }
  return withHandshake(shake, ({ atServer }) => atServer.authorized && !atServer.authorizationError)
}

test('a chain is found exactly where one leads to an anchor', () => {
  for (const fixture of fixtures) {
    expect({ title: fixture.title, trusted: leads(fixture) }).toEqual({
      title: fixture.title,
      trusted: fixture.trusted,
    })
  }
})

test('OpenSSL says the same of every one, but for what we refuse on purpose', async () => {
  for (const fixture of fixtures) {
    const { purposes } = read(fixture.leaf)
    const isForClients = purposes === undefined || purposes.includes(purposeIds.clientAuth)
    const theirs = await opensslVerdict(fixture)
    expect({ title: fixture.title, trusted: theirs }).toEqual({
      title: fixture.title,
      trusted: fixture.stricter ?? (fixture.trusted && isForClients),
    })
  }
})

test('a chain ends with its CA’s time, and begins with it', () => {
  const { clientA, ca } = cast
  const fixture = { title: '', leaf: clientA, anchors: [ca], trusted: true }
  const { notBefore, notAfter } = read(ca)
  expect(leads(fixture, notBefore)).toBe(true)
  expect(leads(fixture, notAfter)).toBe(true)
  expect(leads(fixture, notBefore - 1)).toBe(false)
  expect(leads(fixture, notAfter + 1)).toBe(false)
})

test('every way to an anchor is found: a cross-signed CA has two', async () => {
  const { ca, otherCa, intermediate, intermediateClient } = cast
  const crossed = testCertificate({ name: 'Intermediate CA', ca: true, issuer: otherCa })
  // The same name and key under the other root.
  const cross = await opensslLeaf(otherCa, {
    newkey: ['-key', 'intermediate.key'],
    subject: '/CN=Intermediate CA',
    extensions: caTrue,
    files: { 'intermediate.key': intermediate.key },
  })
  const paths = pathsOf(
    read(intermediateClient),
    [intermediate, cross, crossed].map(read),
    authorities(ca, otherCa),
    Date.now(),
  )
  expect([...paths].map((path) => path.at(-1)?.subject).sort()).toEqual([
    'CN=Other CA',
    'CN=Test CA',
  ])
})

test('what a client sends along can’t keep the server busy', () => {
  const { clientA, otherCa } = cast
  const names = Array.from({ length: 100 }, () => testCertificate({ name: 'Test CA', ca: true }))
  const start = cpuTime()
  expect(
    leads({ title: '', leaf: clientA, chain: names, anchors: [otherCa], trusted: false }),
  ).toBe(false)
  expect(cpuTime() - start).toBeLessThan(1000)
})

test('a name that many CAs share is not tried for ever: after 32 signatures it is enough', () => {
  const { clientA, ca } = cast
  const namesakes = Array.from({ length: 32 }, () => testCertificate({ name: 'Test CA', ca: true }))
  const fixture = { title: '', leaf: clientA, trusted: true }
  expect(leads({ ...fixture, anchors: [...namesakes.slice(1), ca] })).toBe(true)
  expect(leads({ ...fixture, anchors: [...namesakes, ca] })).toBe(false)
})

describe('a truststore', () => {
  const why = (certificate: TestCertificate) =>
    sortAuthorities([read(certificate)], new Set())
      .refused.map((refusal) => refusal.why)
      .join()

  test('takes a CA, and says why it takes nothing else', async () => {
    const { ca, clientA, selfSignedA, intermediate, rsa1024 } = cast
    expect(why(ca)).toBe('')
    expect(why(clientA)).toMatch(/not a CA/)
    expect(why(selfSignedA)).toMatch(/not a CA/)
    expect(why(rsa1024)).toMatch(/not a CA/)
    expect(why(intermediate)).toMatch(/CA that signed it is not in the store/)
    const weak = await opensslLeaf(ca, {
      newkey: ['-newkey', 'rsa:1024'],
      subject: '/CN=x',
      extensions: caTrue,
    })
    expect(why(weak)).toMatch(/too weak/)
    expect(why(await caOf(ca, 'x', `${caTrue}\nkeyUsage=digitalSignature`))).toMatch(/key usage/)
    expect(why(await caOf(ca, 'x', `${caTrue}\nextendedKeyUsage=serverAuth`))).toMatch(
      /extended key usage/,
    )
    expect(why(await caOf(ca, 'x', `${caTrue}\nnameConstraints=permitted;DNS:x`))).toMatch(
      /name constraints/,
    )
  })

  test('takes a certificate that is registered for a client for no anchor, CA or not', () => {
    const { ca, otherCa } = cast
    const sorted = sortAuthorities([ca, otherCa].map(read), new Set([ca.thumbprint]))
    expect(sorted.anchors).toEqual([read(otherCa)])
    expect(sorted.refused[0]?.why).toMatch(/registered for a client/)
  })

  test('a CA that expired stays an anchor, since time is judged later', () => {
    const old = testCertificate({ name: 'Old', ca: true, now: Date.now() - 2 * year })
    expect(unfitness(read(old))).toBeUndefined()
  })
})
