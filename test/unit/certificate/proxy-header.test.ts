import type { IncomingHttpHeaders } from 'node:http'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { readCertificate } from '../../../lib/certificate/certificate'
import { type ProxyFormatName, proxyFormats } from '../../../lib/certificate/proxy-format'
import {
  fromProxyHeader,
  type ProxyHeaderOptions,
  proxySource,
} from '../../../lib/certificate/proxy-header'
import { OAuthError } from '../../../lib/error/oauth-error'
import { SetupError } from '../../../lib/error/setup-error'
import { type TestCertificates, testCertificates } from '../../support/certificates'
import { withHandshake } from '../../support/handshake'

let cast: TestCertificates
beforeAll(async () => {
  cast = await testCertificates()
})

const proxy = '10.1.2.3'
const options: ProxyHeaderOptions = {
  trusted: ['10.0.0.0/8'],
  header: 'Client-Cert',
  format: 'rfc9440',
  verified: { header: 'X-Client-Verify', value: 'SUCCESS' },
}

/** A request as Node gives it: repeated lines are joined or dropped, all of them stand in rawHeaders. */
function request(lines: readonly [string, string][], remoteAddress: string | undefined = proxy) {
  const headers: IncomingHttpHeaders = {}
  for (const [name, value] of lines) {
    const key = name.toLowerCase()
    const before = headers[key]
    headers[key] = typeof before === 'string' ? `${before}, ${value}` : value
  }
  const socket = Object.assign(new Duplex(), remoteAddress === undefined ? {} : { remoteAddress })
  return { socket, headers, rawHeaders: lines.flat() }
}

const rfc9440 = (der: Buffer) => `:${der.toString('base64')}:`
const verified: [string, string] = ['X-Client-Verify', 'SUCCESS']
const shown = (
  lines: [string, string][],
  remoteAddress?: string,
  more: Partial<ProxyHeaderOptions> = {},
) => fromProxyHeader({ ...options, ...more }).read(request(lines, remoteAddress))
const thumbprint = (...given: Parameters<typeof shown>) => shown(...given).presented?.thumbprint

test('believes a trusted proxy that says it verified the certificate', () => {
  const { clientA } = cast
  const { presented, unread, address } = shown([['client-cert', rfc9440(clientA.der)], verified])
  expect(presented?.thumbprint).toBe(clientA.thumbprint)
  expect(presented?.source).toBe('proxy')
  expect(presented?.chain()).toEqual([])
  expect({ unread, address }).toEqual({ unread: undefined, address: undefined })
})

test('ignores the header of anybody else, and says so', () => {
  const lines: [string, string][] = [['client-cert', rfc9440(cast.clientA.der)], verified]
  for (const address of ['11.1.2.3', '::1', '::ffff:11.1.2.3', 'garbage']) {
    const reading = shown(lines, address)
    expect(reading.presented).toBeUndefined()
    expect(reading.unread).toBe('untrusted_proxy_header')
  }
  expect(fromProxyHeader(options).read(request(lines)).unread).toBeUndefined()
  expect(shown([verified], '11.1.2.3')).toEqual({
    presented: undefined,
    unread: undefined,
    address: '11.1.2.3',
  })
})

test('is not impressed by X-Forwarded-For, Forwarded or X-Real-IP', () => {
  const lines: [string, string][] = [
    ['x-forwarded-for', proxy],
    ['forwarded', `for=${proxy}`],
    ['x-real-ip', proxy],
    ['client-cert', rfc9440(cast.clientA.der)],
    verified,
  ]
  const reading = shown(lines, '11.1.2.3', { address_header: 'x-real-ip' })
  expect(reading).toEqual({
    presented: undefined,
    unread: 'untrusted_proxy_header',
    address: '11.1.2.3',
  })
})

test.each([
  ['127.0.0.1/32', '::ffff:127.0.0.1', true],
  ['::ffff:127.0.0.0/104', '127.0.0.1', true],
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', '127.0.0.2', false],
  ['2001:db8::/32', '2001:db8::1', true],
  ['2001:db8::/32', '2001:db9::1', false],
  ['fe80::/10', 'fe80::1%eth0', true],
  ['10.0.0.0/8', '::ffff:a01:203', true],
  ['10.0.0.0/8', '::a01:203', false],
])('the range %s holds %s: %s', (range, address, holds) => {
  const lines: [string, string][] = [['client-cert', rfc9440(cast.clientA.der)], verified]
  expect(thumbprint(lines, address, { trusted: [range] }) !== undefined).toBe(holds)
})

test.each([
  ['the header of the certificate', ['client-cert', 'Client-Cert']],
  ['the header of the verdict', ['x-client-verify', 'X-CLIENT-VERIFY']],
  ['the header of the address', ['x-real-ip', 'x-real-ip']],
])('refuses a request in which %s stands twice', (_, names) => {
  const value = (name: string) =>
    name.toLowerCase() === 'client-cert' ? rfc9440(cast.clientA.der) : 'SUCCESS'
  const lines = names.map((name): [string, string] => [name, value(name)])
  const source = fromProxyHeader({ ...options, address_header: 'x-real-ip' })
  expect(() => source.read(request(lines))).toThrow(OAuthError)
  expect(() => source.read(request(lines))).toThrow(/invalid_request \(repeated_header\)/)
  expect(() => source.read(request(lines, '11.1.2.3'))).not.toThrow()
})

test.each<[string, [string, string][]]>([
  ['is missing', []],
  ['is empty', [['x-client-verify', '']]],
  ['says NONE', [['x-client-verify', 'NONE']]],
  ['says FAILED', [['x-client-verify', 'FAILED:self signed certificate']]],
  ['says success in another case', [['x-client-verify', 'success']]],
  ['says it and more', [['x-client-verify', 'SUCCESS, SUCCESS']]],
  ['has another name', [['x_client_verify', 'SUCCESS']]],
])('no certificate while the verdict %s', (_, lines) => {
  expect(thumbprint([['client-cert', rfc9440(cast.clientA.der)], ...lines])).toBeUndefined()
})

test('another product’s header is ignored', () => {
  for (const name of [
    'client_cert',
    'x-client-cert',
    'X_Client_Cert',
    'ssl-client-cert',
    'x-forwarded-client-cert',
  ]) {
    expect(shown([[name, rfc9440(cast.clientA.der)], verified])).toMatchObject({
      presented: undefined,
      unread: undefined,
    })
  }
})

test('takes "none" for a proxy that says nothing of its verdict, only when it is written out', () => {
  expect(
    thumbprint([['client-cert', rfc9440(cast.clientA.der)]], proxy, { verified: 'none' }),
  ).toBe(cast.clientA.thumbprint)
})

test('the address is one IP address of the named header, or unknown', () => {
  const read = (value: string) =>
    shown([['x-real-ip', value]], proxy, { address_header: 'X-Real-IP' }).address
  expect(read('192.0.2.1')).toBe('192.0.2.1')
  expect(read(' ::ffff:192.0.2.1 ')).toBe('192.0.2.1')
  expect(read('2001:db8::1')).toBe('2001:db8::1')
  for (const value of ['192.0.2.1, 10.0.0.1', 'localhost', '', '192.0.2.1:80'])
    expect(read(value)).toBeUndefined()
})

describe('a proxy that must show its own certificate', () => {
  const pinned = (): ProxyHeaderOptions => ({
    ...options,
    trusted: ['127.0.0.1'],
    peer_certificate_sha256: [Buffer.from(cast.clientB.thumbprint, 'base64url').toString('hex')],
  })
  const lines = (): [string, string][] => [['client-cert', rfc9440(cast.clientA.der)], verified]

  test('is believed with it, and its certificate is never the client’s', async () => {
    await withHandshake({ server: cast.server, client: cast.clientB }, ({ atServer }) => {
      const source = fromProxyHeader(pinned())
      const read = (given: [string, string][]) =>
        source.read({ ...request(given), socket: atServer }).presented?.thumbprint
      expect(read(lines())).toBe(cast.clientA.thumbprint)
      expect(read([verified])).toBeUndefined()
    })
  })

  test('is nobody with another one, and without', async () => {
    for (const client of [cast.clientA, undefined]) {
      await withHandshake({ server: cast.server, client }, ({ atServer }) => {
        const reading = fromProxyHeader(pinned()).read({ ...request(lines()), socket: atServer })
        expect(reading.presented).toBeUndefined()
        expect(reading.unread).toBe('untrusted_proxy_header')
      })
    }
  })
})

describe('settings that leave anything open are refused:', () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ['no proxies', { trusted: [] }, /addresses are missing/],
    ['no list of proxies', { trusted: '10.0.0.0/8' }, /addresses are missing/],
    ['everybody', { trusted: ['0.0.0.0/0'] }, /Every address is trusted/],
    ['everybody over IPv6', { trusted: ['::/0'] }, /Every address is trusted/],
    ['no range', { trusted: ['10.0.0.0/33'] }, /not an address range/],
    ['a name', { trusted: ['proxy.example'] }, /not an address range/],
    ['an unknown format', { format: 'apache' }, /format "apache" is unknown/],
    ['a format of the prototype', { format: 'constructor' }, /is unknown/],
    ['no word on verification', { verified_header: undefined }, /how the proxy tells/],
    ['no value for it', { format: 'envoy', verified_header: 'x-verify' }, /which value/],
    ['no header', { header: 'client cert' }, /not the name of a header/],
    ['a pin that is none', { peer_certificate_sha256: ['abc'] }, /not a SHA-256 thumbprint/],
    ['a misspelt key', { addres_header: 'x-real-ip' }, /"addres_header" is not an option/],
  ])('%s', (_, change, message) => {
    const table = { trusted: ['10.0.0.0/8'], verified_header: 'x-client-verify', ...change }
    const open = () => proxySource(table as unknown as Parameters<typeof proxySource>[0])
    expect(open).toThrow(SetupError)
    expect(open).toThrow(message)
  })
})

const pemBody = (pem: string) => pem.split('\n').slice(1, -2).join('')

/** A certificate as each product writes it. */
const written: Record<ProxyFormatName, (pem: string, der: Buffer) => string> = {
  rfc9440: (_, der) => rfc9440(der),
  nginx: (pem) => encodeURIComponent(pem),
  haproxy: (_, der) => der.toString('base64'),
  envoy: (pem) =>
    `By=spiffe://a;Hash=00;Cert="${encodeURIComponent(pem)}";Subject="CN=a,O=\\"b;c\\"";URI=`,
  traefik: (pem) => encodeURIComponent(pemBody(pem)),
  'aws-alb': (pem) => encodeURI(pem).replaceAll('\n', '%0A'),
  cloudflare: (_, der) => der.toString('base64'),
}

describe.each(Object.keys(written) as ProxyFormatName[])('the format %s', (format) => {
  const read = (value: string) =>
    proxySource({ trusted: ['10.0.0.0/8'], format, verified_header: 'none' }).read(
      request([[proxyFormats[format].header, value]]),
    ).presented?.thumbprint

  test('is read', () => {
    const { clientA, selfSignedB } = cast
    for (const { pem, der, thumbprint: wanted } of [clientA, selfSignedB]) {
      expect(read(written[format](pem, der))).toBe(wanted)
      expect(read(` ${written[format](pem, der)} `)).toBe(wanted)
    }
  })

  test('is no certificate when it is a list', () => {
    const one = written[format](cast.clientA.pem, cast.clientA.der)
    const two = written[format](
      cast.clientA.pem + cast.clientB.pem,
      Buffer.concat([cast.clientA.der, cast.clientB.der]),
    )
    for (const list of [
      `${one},${one}`,
      `${one}, ${one}`,
      `${one} ${one}`,
      `${one};${one}`,
      one + one,
      two,
    ]) {
      expect(read(list)).toBeUndefined()
    }
  })

  test('is no certificate when it is cut, damaged, a key, or anything else', () => {
    const { pem, der, key } = cast.clientA
    const one = written[format](pem, der)
    const others = [
      '',
      ' ',
      '(null)',
      'null',
      '-',
      '%',
      '%zz',
      '%E0%A4%A',
      ':',
      '::',
      ':=:',
      one.slice(0, -10),
      one.slice(10),
      one.replace('M', '*'),
      one.replace('MII', 'MIJ'),
      written[format](key, Buffer.from(pemBody(key), 'base64')),
      written[format](pem.replace(/.\n-----END/, '\n-----END'), der.subarray(0, -1)),
      encodeURIComponent(pem.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST')),
      'A'.repeat(16_000),
    ]
    for (const other of others) expect(read(other)).toBeUndefined()
  })

  test('never throws, whatever it is', () => {
    const value = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.tuple(fc.nat(), fc.string({ maxLength: 3 })).map(([at, text]) => {
        const one = written[format](cast.clientA.pem, cast.clientA.der)
        const place = at % one.length
        return one.slice(0, place) + text + one.slice(place + 1)
      }),
    )
    fc.assert(
      fc.property(value, (text) => {
        const found = read(text)
        // Whatever was read is a certificate; a changed one can't have the same thumbprint.
        if (found !== undefined && found !== cast.clientA.thumbprint) expect(found).toHaveLength(43)
      }),
      { numRuns: process.env.MTLS_SECRET_FULL === '1' ? 20_000 : 300 },
    )
  })
})

test('envoy: a key that stands twice, an unfinished quote and a second element are no answer', () => {
  const cert = `Cert="${encodeURIComponent(cast.clientA.pem)}"`
  for (const value of [
    `${cert};${cert}`,
    `${cert};Subject="`,
    `${cert},By=b`,
    `By=a,${cert}`,
    `Hash=a`,
    `${cert};`,
    `;${cert}`,
  ]) {
    expect(proxyFormats.envoy.read(value)).toBeUndefined()
  }
  expect(proxyFormats.envoy.read(`Subject="a,b;Cert=x";${cert}`)).toEqual(cast.clientA.der)
})

test('what comes by header is parsed strictly, like everything else', () => {
  const { presented } = shown([['client-cert', rfc9440(cast.clientA.der)], verified])
  expect(presented?.certificate()).toBe(readCertificate(cast.clientA.der, cast.clientA.thumbprint))
})
