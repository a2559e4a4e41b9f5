import { readCertificate } from '../../../lib/certificate/certificate'
import { bearsName, identityProblem, type RegisteredIdentity } from '../../../lib/certificate/match'
import {
  opensslLeaf,
  type TestCertificate,
  testCertificate,
  testCertificates,
} from '../../support/certificates'

type Kind = RegisteredIdentity['kind']

const bears = ({ der, thumbprint }: TestCertificate, kind: Kind, value: string): boolean =>
  bearsName(readCertificate(der, thumbprint), { kind, value, issuer: undefined })

describe('subject names', () => {
  let leaf: TestCertificate
  beforeAll(async () => {
    const { ca } = await testCertificates()
    leaf = await opensslLeaf(ca, {
      newkey: ['-newkey', 'ed25519'],
      subject: '/C=DE/O=Acme  GmbH+OU=Pay/CN=billing\\, O=Victim',
    })
  })

  test('match RDN by RDN, each as a set', () => {
    const name = 'CN=Billing\\, o=victim,ou=pay+O=acme gmbh,C=de'
    expect(bears(leaf, 'subject_dn', name)).toBe(true)
  })

  test.each([
    'CN=billing,O=Victim,OU=Pay+O=Acme GmbH,C=DE',
    'CN=billing\\, O=Victim,OU=Pay,O=Acme GmbH,C=DE',
    'CN=billing\\, O=Victim,O=Acme GmbH,C=DE',
    'CN=billing\\, O=Victim',
    'C=DE,O=Acme GmbH+OU=Pay,CN=billing\\, O=Victim',
    'CN=*,OU=Pay+O=Acme GmbH,C=DE',
    '',
  ])('are not %j', (value) => {
    expect(bears(leaf, 'subject_dn', value)).toBe(false)
  })
})

describe('alternative names', () => {
  const leaf = testCertificate({
    name: 'evil',
    dnsNames: ['Billing.example', '*.wild.example'],
    uris: ['http://a.example/, DNS:evil', 'https://Billing.example/A'],
    ips: ['192.0.2.1', '2001:db8::1'],
    emails: ['Billing@Example.com'],
  })

  test.each<[Kind, string]>([
    ['san_dns', 'billing.EXAMPLE'],
    ['san_uri', 'https://Billing.example/A'],
    ['san_ip', '192.0.2.1'],
    ['san_ip', '2001:DB8:0:0::1'],
    ['san_email', 'Billing@example.COM'],
  ])('%s %s is there', (kind, value) => {
    expect(bears(leaf, kind, value)).toBe(true)
  })

  test.each<[Kind, string, string]>([
    ['san_dns', 'evil', 'a URI that looks like the next name (CVE-2021-44532)'],
    ['san_dns', 'a.wild.example', 'a wildcard in the certificate'],
    ['san_dns', '*.wild.example', 'a wildcard, literally'],
    ['san_dns', 'example', 'a part of a name'],
    ['san_dns', 'sub.billing.example', 'a name below'],
    ['san_dns', 'billing.example.', 'a trailing dot'],
    ['san_dns', '192.0.2.1', 'an address'],
    ['san_uri', 'https://billing.example/A', 'another case of a URI'],
    ['san_uri', 'https://Billing.example/A/', 'a longer URI'],
    ['san_uri', 'Billing.example', 'a DNS name'],
    ['san_ip', '192.0.2.2', 'another address'],
    ['san_ip', '::ffff:192.0.2.1', 'the mapped form of an address'],
    ['san_email', 'billing@example.com', 'another case of the local part'],
    ['san_email', 'example.com', 'a domain'],
  ])('%s %s is not: %s', (kind, value) => {
    expect(bears(leaf, kind, value)).toBe(false)
  })

  test('the common name is no DNS name', () => {
    expect(bears(testCertificate({ name: 'cn.example' }), 'san_dns', 'cn.example')).toBe(false)
  })

  test('a name with a zero byte is not the name before it (CVE-2009-2408)', () => {
    const sly = testCertificate({ name: 'x', dnsNames: ['victim.example\0.evil.example'] })
    expect(bears(sly, 'san_dns', 'victim.example')).toBe(false)
  })
})

test.each<[Kind, string]>([
  ['subject_dn', 'billing'],
  ['subject_dn', ''],
  ['san_dns', '*.example'],
  ['san_dns', ''],
  ['san_dns', 'a..b'],
  ['san_dns', '127.0.0.1'],
  ['san_dns', 'b\u00fcro.example'],
  ['san_uri', '/path'],
  ['san_uri', 'https://a b/'],
  ['san_ip', '1.2.3'],
  ['san_ip', 'fe80::1%eth0'],
  ['san_email', 'a@b@c d'],
  ['san_email', 'nobody'],
])('can’t register %s %j, and matches nothing by it', (kind, value) => {
  expect(identityProblem({ kind, value, issuer: undefined })).toEqual(expect.any(String))
  expect(bears(testCertificate({ name: 'x', dnsNames: [value] }), kind, value)).toBe(false)
})

test('can register what is well-formed', () => {
  const good: [Kind, string][] = [
    ['subject_dn', 'CN=billing,O=Acme,C=DE'],
    ['san_dns', 'billing.example'],
    ['san_uri', 'urn:example:billing'],
    ['san_ip', '::1'],
    ['san_email', 'a@b.example'],
  ]
  for (const [kind, value] of good) {
    expect(identityProblem({ kind, value, issuer: undefined })).toBeUndefined()
  }
})
