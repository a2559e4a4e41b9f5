import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type CertificateWish, makeCertificate } from '../../lib/certificate/make'
import { readPem } from '../../lib/certificate/parse'
import { thumbprintOf } from '../../lib/certificate/thumbprint'

/** A certificate of the tests, in every form that a test may want it. */
export interface TestCertificate {
  pem: string
  key: string
  der: Buffer
  thumbprint: string
}

export type TestCertificates = Awaited<ReturnType<typeof makeAll>>

/**
 * The cast of every test, made once per test file: two clients of each kind, so that one can always
 * be tried in the other's place, and one certificate for each way of being no good.
 */
export function testCertificates(): Promise<TestCertificates> {
  made ??= makeAll()
  return made
}

/** One more certificate, for a test with a wish of its own; `issuer` may be one of the cast. */
export function testCertificate(
  wish: Omit<CertificateWish, 'now' | 'issuer'> & { now?: number; issuer?: TestCertificate },
): TestCertificate {
  const { issuer, ...rest } = wish
  const { certificatePem, keyPem } = makeCertificate({
    now: Date.now(),
    ...rest,
    ...(issuer && { issuer: { certificatePem: issuer.pem, keyPem: issuer.key } }),
  })
  return testCertificateOf(certificatePem, keyPem)
}

/** PEM texts as the tests use them. */
export function testCertificateOf(pem: string, key: string): TestCertificate {
  const [der = Buffer.alloc(0)] = readPem(pem, 'a test certificate')
  return { pem, key, der, thumbprint: thumbprintOf(der) }
}

/**
 * The page's own four commands, run by the real openssl in `dir`, which gets `cert.key`, `cert.pem`,
 * `serverkeystore.p12` and the encrypted `key.pem` (pass phrase `changeit`, as the store's).
 * What openssl would ask for is answered: the subject by its defaults, the pass phrases by argument.
 */
export async function opensslSeedCertificate(dir: string): Promise<TestCertificate> {
  const run = (line: string) => openssl(line.split(' '), dir)
  await run('genrsa -out cert.key 2048')
  await openssl(
    [
      ...'req -x509 -new -nodes -key cert.key -sha256 -days 1024 -out cert.pem -subj'.split(' '),
      seedSubject,
    ],
    dir,
  )
  await run(
    'pkcs12 -export -name server-cert -in cert.pem -inkey cert.key -out serverkeystore.p12 -passout pass:changeit',
  )
  await run(
    'pkcs12 -in serverkeystore.p12 -out key.pem -passin pass:changeit -passout pass:changeit',
  )
  return testCertificateOf(
    await readFile(join(dir, 'cert.pem'), 'utf8'),
    await readFile(join(dir, 'cert.key'), 'utf8'),
  )
}

/** Runs the real openssl; its stdout. */
export async function openssl(args: readonly string[], dir: string): Promise<string> {
  const running = promisify(execFile)('openssl', args, { cwd: dir })
  // Nothing waits for what is typed.
  running.child.stdin?.end()
  const { stdout } = await running
  return stdout
}

/** A new folder below the system's, removed after `use`. */
export async function inTemporaryFolder<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'mtls-secret-'))
  try {
    return await use(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** A leaf that openssl signs, for keys and extensions that we never make ourselves. */
export function opensslLeaf(
  ca: TestCertificate,
  { newkey, subject, extensions = '', digest = 'sha256', files = {} }: OpensslWish,
): Promise<TestCertificate> {
  return inTemporaryFolder(async (dir) => {
    await writeFile(join(dir, 'ca.pem'), ca.pem)
    await writeFile(join(dir, 'ca.key'), ca.key)
    await writeFile(join(dir, 'extensions.cnf'), extensions)
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
    const request = ['req', '-new', '-nodes', ...newkey, '-keyout', 'leaf.key', '-subj', subject]
    await openssl([...request, '-multivalue-rdn', '-utf8', '-out', 'leaf.csr'], dir)
    const signing = `x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -${digest} -days 30 -out leaf.pem`
    await openssl([...signing.split(' '), '-extfile', 'extensions.cnf'], dir)
    return testCertificateOf(
      await readFile(join(dir, 'leaf.pem'), 'utf8'),
      await readFile(join(dir, 'leaf.key'), 'utf8').catch(() => ''),
    )
  })
}

interface OpensslWish {
  /** As `openssl req` takes it: `['-newkey', 'rsa:2048']`. */
  newkey: readonly string[]
  /** As `openssl req -subj` takes it: `/C=DE/O=Acme/CN=billing`. */
  subject: string
  /** The lines of an extension file. */
  extensions?: string
  digest?: string
  /** Files that `newkey` names. */
  files?: Readonly<Record<string, string>>
}

const seedSubject = '/C=AU/ST=Some-State/O=Internet Widgits Pty Ltd'
const year = 365 * 86_400_000
let made: Promise<TestCertificates> | undefined

async function makeAll() {
  const ca = testCertificate({ name: 'Test CA', ca: true })
  const otherCa = testCertificate({ name: 'Other CA', ca: true })
  const intermediate = testCertificate({ name: 'Intermediate CA', ca: true, issuer: ca })
  return {
    ca,
    otherCa,
    intermediate,
    server: testCertificate({ name: 'localhost', server: true, issuer: ca }),
    clientA: testCertificate({ name: 'client-a', issuer: ca }),
    clientB: testCertificate({ name: 'client-b', issuer: ca }),
    selfSignedA: testCertificate({ name: 'self-signed-a' }),
    selfSignedB: testCertificate({ name: 'self-signed-b' }),
    intermediateClient: testCertificate({ name: 'client-a', issuer: intermediate }),
    otherCaClient: testCertificate({ name: 'client-a', issuer: otherCa }),
    expired: testCertificate({ name: 'expired', issuer: ca, now: Date.now() - 2 * year }),
    future: testCertificate({ name: 'future', issuer: ca, now: Date.now() + year }),
    serverOnly: testCertificate({ name: 'server-only', issuer: ca, server: true }),
    /** CA:TRUE, signed by the trusted CA, shown as if it were a client's. */
    caLeaf: testCertificate({ name: 'client-a', issuer: ca, ca: true }),
    rsa1024: await opensslLeaf(ca, { newkey: ['-newkey', 'rsa:1024'], subject: '/CN=rsa-1024' }),
  }
}
