import { execFile } from 'node:child_process'
import { createPublicKey, X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { readKeyEntry, readTrustEntries } from '../../../lib/certificate/keystore'
import { makePkcs12 } from '../../../lib/certificate/pkcs12'
import { thumbprintOf } from '../../../lib/certificate/thumbprint'
import { SetupError } from '../../../lib/error/setup-error'
import {
  inTemporaryFolder,
  openssl,
  opensslSeedCertificate,
  type TestCertificates,
  testCertificates,
} from '../../support/certificates'
import { cpuTime } from '../../support/cpu-time'

/** Real stores, made by the real keytool and the real openssl. */
const stores = new Map<string, Buffer>()
const password = 'wso2carbon'
let cast: TestCertificates
let seedThumbprint: string

beforeAll(async () => {
  cast = await testCertificates()
  await inTemporaryFolder(async (dir) => {
    const keytool = (line: string) =>
      promisify(execFile)('keytool', ['-J-XX:TieredStopAtLevel=1', ...line.split(' ')], {
        cwd: dir,
        // It asks at the terminal for whatever it misses.
        timeout: 60_000,
        env: { ...process.env, HOME: tmpdir() },
      })
    seedThumbprint = (await opensslSeedCertificate(dir)).thumbprint
    await writeFile(join(dir, 'ca.pem'), cast.ca.pem)
    await writeFile(join(dir, 'other.pem'), cast.otherCa.pem)
    await writeFile(join(dir, 'both.pem'), cast.ca.pem + cast.otherCa.pem)
    await writeFile(join(dir, 'a.pem'), cast.clientA.pem)
    await writeFile(join(dir, 'a.key'), cast.clientA.key)
    for (const [kind, type] of [
      ['jks', 'jks'],
      ['java.p12', 'pkcs12'],
    ] as const) {
      for (const alias of ['ca', 'other', 'cert']) {
        await keytool(
          `-importcert -noprompt -alias ${alias} -file ${alias}.pem -keystore trust.${kind} -storetype ${type} -storepass ${password}`,
        )
      }
      await keytool(
        `-genkeypair -alias server -keyalg EC -dname CN=localhost -keystore own.${kind} -storetype ${type} -storepass ${password} -keypass ${password}`,
      )
    }
    await keytool(
      `-importcert -noprompt -alias ca -file ca.pem -keystore trust.jceks -storetype jceks -storepass ${password}`,
    )
    await keytool(
      `-importcert -noprompt -alias ca -file ca.pem -keystore own.jks -storepass ${password}`,
    )
    const pkcs12 = (line: string) => openssl(['pkcs12', '-export', ...line.split(' ')], dir)
    await pkcs12(`-nokeys -in both.pem -out openssl.p12 -passout pass:${password}`)
    await pkcs12(`-legacy -nokeys -in both.pem -out legacy.p12 -passout pass:${password}`)
    await pkcs12(
      `-legacy -certpbe PBE-SHA1-RC2-128 -nokeys -in both.pem -out rc2-128.p12 -passout pass:${password}`,
    )
    await pkcs12(
      `-certpbe PBE-SHA1-3DES -macalg sha1 -nokeys -in both.pem -out 3des.p12 -passout pass:${password}`,
    )
    await pkcs12(
      `-certpbe aes-128-cbc -macalg sha512 -nokeys -in both.pem -out sha512.p12 -passout pass:${password}`,
    )
    await pkcs12('-certpbe NONE -nomac -nokeys -in both.pem -out open.p12 -passout pass:')
    await pkcs12('-nokeys -in both.pem -out empty-password.p12 -passout pass:')
    await pkcs12(`-inkey a.key -in a.pem -certfile ca.pem -out key.p12 -passout pass:${password}`)
    await pkcs12(`-legacy -inkey a.key -in a.pem -out legacy-key.p12 -passout pass:${password}`)
    const files = `trust.jks trust.java.p12 trust.jceks own.jks own.java.p12 openssl.p12 legacy.p12
      rc2-128.p12 3des.p12 sha512.p12 open.p12 empty-password.p12 key.p12 legacy-key.p12 serverkeystore.p12 key.pem cert.pem`
    for (const file of files.split(/\s+/)) stores.set(file, await readFile(join(dir, file)))
  })
}, 120_000)

function store(name: string): Buffer {
  const bytes = stores.get(name)
  if (bytes === undefined) throw new Error(`no store ${name}`)
  return bytes
}

const thumbprints = (name: string, secret: string | undefined) =>
  readTrustEntries(store(name), secret, name)
    .filter(({ isOwn }) => !isOwn)
    .map(({ der }) => thumbprintOf(der))
    .sort()

function refusal(name: string | Buffer, secret?: string): SetupError {
  try {
    readTrustEntries(typeof name === 'string' ? store(name) : name, secret, 'trust.store')
  } catch (error) {
    if (error instanceof SetupError) return error
    throw error
  }
  throw new Error('was not refused')
}

test.each(['trust.jks', 'trust.java.p12'])('reads what keytool wrote: %s', (name) => {
  const all = [cast.ca.thumbprint, cast.otherCa.thumbprint, seedThumbprint].sort()
  expect(thumbprints(name, password)).toEqual(all)
  expect(
    readTrustEntries(store(name), password, name)
      .map(({ label }) => label)
      .sort(),
  ).toEqual(['ca', 'cert', 'other'])
})

test.each(['openssl.p12', 'legacy.p12', 'rc2-128.p12', '3des.p12', 'sha512.p12'])(
  'reads what openssl wrote, every certificate of it though none has an alias: %s',
  (name) => {
    expect(thumbprints(name, password)).toEqual(
      [cast.ca.thumbprint, cast.otherCa.thumbprint].sort(),
    )
  },
)

test('reads a PKCS12 store without password, or with an empty one', () => {
  for (const name of ['open.p12', 'empty-password.p12']) {
    for (const secret of [undefined, '']) expect(thumbprints(name, secret)).toHaveLength(2)
  }
})

test('a certificate that belongs to a key of the store is its own, not to be trusted', () => {
  expect(thumbprints('own.jks', password)).toEqual([cast.ca.thumbprint])
  expect(thumbprints('own.java.p12', password)).toEqual([])
  expect(thumbprints('key.p12', password)).toEqual([cast.ca.thumbprint])
})

test.each(['trust.jks', 'trust.java.p12', 'openssl.p12', 'legacy.p12', '3des.p12', 'key.p12'])(
  'refuses another password, and none: %s',
  (name) => {
    expect(refusal(name, 'changeit').message).toMatch(/^The password of trust\.store is wrong/)
    expect(refusal(name, '').message).toMatch(/password/)
    expect(refusal(name).message).toMatch(/closed by a password/)
  },
)

test('refuses JCEKS, and says how to write the store anew', () => {
  expect(refusal('trust.jceks', password).message).toMatch(/JCEKS.*keytool -importkeystore/)
})

test.each(['trust.jks', 'trust.java.p12', 'openssl.p12'])(
  'refuses a store that is cut short: %s',
  (name) => {
    for (const length of [4, 20, 100, store(name).length - 1]) {
      refusal(store(name).subarray(0, length), password)
    }
  },
)

test('a damaged store is refused, never read in part, never slowly', () => {
  const wholes = ['trust.jks', 'trust.java.p12', 'legacy.p12', 'key.p12'].map(store)
  fc.assert(
    fc.property(
      fc.constantFrom(...wholes),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (whole, at, change) => {
        const damaged = Buffer.from(whole)
        const place = at % damaged.length
        damaged.writeUInt8(damaged.readUInt8(place) ^ change, place)
        const start = cpuTime()
        try {
          expect(readTrustEntries(damaged, password, 'x')).toEqual(
            readTrustEntries(whole, password, 'x'),
          )
        } catch (error) {
          if (!(error instanceof SetupError)) throw error
        }
        expect(cpuTime() - start).toBeLessThan(5000)
      },
    ),
    { numRuns: process.env.MTLS_SECRET_FULL === '1' ? 2_000 : 40 },
  )
})

describe('a key with its certificates', () => {
  test.each(['own.jks', 'own.java.p12', 'key.p12', 'legacy-key.p12'])('is read from %s', (name) => {
    const { cert, key, certificate } = readKeyEntry(store(name), password, name)
    expect(createPublicKey(key).equals(new X509Certificate(certificate.der).publicKey)).toBe(true)
    expect(() => createSecureContext({ cert, key })).not.toThrow()
  })

  test('comes with its chain, its own certificate first', () => {
    const { cert } = readKeyEntry(store('key.p12'), password, 'key.p12')
    expect(cert.trim()).toBe(`${cast.clientA.pem}${cast.ca.pem}`.trim())
  })

  test('is read from the page’s own store, and from the key that the page exports from it', () => {
    const { key } = readKeyEntry(store('serverkeystore.p12'), 'changeit', 'serverkeystore.p12')
    const exported = store('key.pem').toString()
    const encrypted = exported.slice(exported.indexOf('-----BEGIN ENCRYPTED'))
    expect(readKeyEntry(store('cert.pem'), 'changeit', 'cert.pem', encrypted).key).toBe(key)
    expect(() => readKeyEntry(store('cert.pem'), 'wrong', 'cert.pem', encrypted)).toThrow(
      /can’t be read/,
    )
    expect(() => readKeyEntry(store('cert.pem'), undefined, 'cert.pem', encrypted)).toThrow(
      /can’t be read/,
    )
  })

  test('is refused when there is none, or when it is another certificate’s', () => {
    expect(() => readKeyEntry(store('trust.jks'), password, 'x')).toThrow(/holds 0 private keys/)
    expect(() => readKeyEntry(store('openssl.p12'), password, 'x')).toThrow(/holds 0 private keys/)
    const pem = Buffer.from(cast.clientA.pem)
    expect(() => readKeyEntry(pem, undefined, 'x')).toThrow(/key of x is missing/)
    expect(() => readKeyEntry(pem, undefined, 'x', cast.clientB.key)).toThrow(/does not belong/)
  })
})

describe('a PKCS12 file of ours', () => {
  let bytes: Buffer
  beforeAll(async () => {
    const { pem, key } = cast.clientA
    bytes = await makePkcs12({
      certificatePem: pem,
      keyPem: key,
      password: 'geheim\u00fc',
      name: 'billing',
    })
  })

  test('is read by ourselves and by Node', () => {
    const { cert } = readKeyEntry(bytes, 'geheim\u00fc', 'x')
    expect(cert).toBe(cast.clientA.pem)
    expect(() => createSecureContext({ pfx: bytes, passphrase: 'geheim\u00fc' })).not.toThrow()
    expect(() => createSecureContext({ pfx: bytes, passphrase: 'geheimu' })).toThrow(/mac verify/)
  })

  test('is read by openssl, which names AES-256 and SHA-256', async () => {
    await inTemporaryFolder(async (dir) => {
      await writeFile(join(dir, 'a.p12'), bytes)
      const printed = await openssl(
        ['pkcs12', '-in', 'a.p12', '-passin', 'pass:geheim\u00fc', '-nodes'],
        dir,
      )
      expect(printed).toContain(cast.clientA.pem.trim())
      expect(printed).toContain(cast.clientA.key.trim())
      const { stderr } = await promisify(execFile)('openssl', [
        'pkcs12',
        '-in',
        join(dir, 'a.p12'),
        '-passin',
        'pass:geheim\u00fc',
        '-info',
        '-noout',
      ])
      expect(stderr).toMatch(/MAC: sha256/)
      expect(
        stderr.match(/PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256/g),
      ).toHaveLength(2)
    })
  })

  test('is a key entry for keytool, under its alias', async () => {
    const { pem, key } = cast.clientA
    const plain = await makePkcs12({ certificatePem: pem, keyPem: key, password, name: 'billing' })
    await inTemporaryFolder(async (dir) => {
      await writeFile(join(dir, 'a.p12'), plain)
      const { stdout } = await promisify(execFile)('keytool', [
        '-list',
        '-keystore',
        join(dir, 'a.p12'),
        '-storepass',
        password,
      ])
      expect(stdout).toMatch(/billing, .*PrivateKeyEntry/)
    })
  })
})
