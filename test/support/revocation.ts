import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inTemporaryFolder, openssl, type TestCertificate } from './certificates'

export interface CrlWish {
  revoked?: readonly TestCertificate[]
  /** This many serial numbers that nobody has, besides. */
  serials?: number
  /** How long it is good for; negative: it ended already. */
  hours?: number
  format?: 'pem' | 'der'
  /** Lines of an extension section. */
  extensions?: string
}

/** A CRL by the real openssl. */
export function opensslCrl(
  ca: TestCertificate,
  { revoked = [], serials = 0, hours = 24, format = 'pem', extensions = '' }: CrlWish,
): Promise<Buffer> {
  return inTemporaryFolder(async (dir) => {
    await writeCa(dir, ca, revoked, extensions)
    const entry = (_: unknown, index: number) =>
      `R\t301231235959Z\t250101000000Z\t7F${index.toString(16).padStart(6, '0')}\tunknown\t/CN=n-${index}\n`
    await appendFile(join(dir, 'index.txt'), Array.from({ length: serials }, entry).join(''))
    const time = (ms: number) => `${new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, '')}`
    const now = Date.now()
    const next = now + hours * 3_600_000
    const last = Math.min(now - 1000, next - 3_600_000)
    const line = `ca -config ca.cnf -gencrl -out crl.pem -crl_lastupdate ${time(last)} -crl_nextupdate ${time(next)}`
    await openssl([...line.split(' '), ...(extensions === '' ? [] : ['-crlexts', 'crl_ext'])], dir)
    if (format === 'pem') return readFile(join(dir, 'crl.pem'))
    await openssl('crl -in crl.pem -outform DER -out crl.der'.split(' '), dir)
    return readFile(join(dir, 'crl.der'))
  })
}

/** The files of `openssl ca` and `openssl ocsp`: `ca.cnf`, `ca.pem`, `ca.key`, `index.txt`. */
export async function writeCa(
  dir: string,
  ca: TestCertificate,
  revoked: readonly TestCertificate[],
  extensions = '',
  good: readonly TestCertificate[] = [],
): Promise<void> {
  const line = (state: 'V' | 'R') => (certificate: TestCertificate) => {
    const { serialNumber } = new X509Certificate(certificate.der)
    const ends = '301231235959Z'
    const since = state === 'R' ? '250101000000Z' : ''
    return `${state}\t${ends}\t${since}\t${serialNumber}\tunknown\t/CN=x-${serialNumber}\n`
  }
  const index = [...revoked.map(line('R')), ...good.map(line('V'))].join('')
  await writeFile(join(dir, 'index.txt'), index)
  await writeFile(join(dir, 'ca.pem'), ca.pem)
  await writeFile(join(dir, 'ca.key'), ca.key)
  await writeFile(
    join(dir, 'ca.cnf'),
    `[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\ncertificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\ndefault_crl_days=1\n[crl_ext]\n${extensions}\n`,
  )
}

export interface Responder {
  port: number
  stop(): Promise<void>
}

export interface ResponderWish {
  revoked?: readonly TestCertificate[]
  good?: readonly TestCertificate[]
  /** Who signs the answers; the CA itself unless given. */
  signer?: TestCertificate
  /** More arguments; how long an answer holds, for one. */
  args?: readonly string[]
}

/** The real `openssl ocsp` as a responder for one CA, on a port of its own. */
export async function opensslResponder(
  ca: TestCertificate,
  wish: ResponderWish,
): Promise<Responder> {
  const { revoked = [], good = [], signer = ca, args = ['-nmin', '60'] } = wish
  const dir = await mkdtemp(join(tmpdir(), 'mtls-secret-'))
  await writeCa(dir, ca, revoked, '', good)
  await writeFile(join(dir, 'signer.pem'), signer.pem)
  await writeFile(join(dir, 'signer.key'), signer.key)
  const line = 'ocsp -index index.txt -CA ca.pem -rsigner signer.pem -rkey signer.key -port 0'
  const child = spawn('openssl', [...line.split(' '), ...args], { cwd: dir })
  child.stderr.resume()
  const ended = once(child, 'exit')
  let said = ''
  for await (const chunk of child.stdout) {
    said += String(chunk)
    if (/ACCEPT .*:\d+/.test(said)) break
  }
  return {
    port: Number(/ACCEPT .*:(\d+)/.exec(said)?.[1]),
    async stop() {
      child.kill('SIGKILL')
      await ended
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/**
 * The address that certificates name before their responder exists: it passes connections on to
 * `port`, or does with them what `answer` does.
 */
export async function responderAddress() {
  const sockets = new Set<Socket>()
  const address = {
    url: '',
    port: undefined as number | undefined,
    answer: undefined as ((socket: Socket) => void) | undefined,
    /** Connections so far. */
    asked: 0,
    async close() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
  const listener = createServer((socket) => {
    address.asked++
    sockets.add(socket)
    socket.on('error', () => undefined)
    if (address.answer !== undefined) return address.answer(socket)
    if (address.port === undefined) return socket.destroy()
    const on = connect(address.port, '127.0.0.1')
    sockets.add(on)
    on.on('error', () => socket.destroy())
    return socket.pipe(on).pipe(socket)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  address.url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/ocsp`
  return address
}
