import { X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inTemporaryFolder, openssl, type TestCertificate } from './certificates'

export interface CrlWish {
  revoked?: readonly TestCertificate[]
  /** How long it is good for; negative: it ended already. */
  hours?: number
  format?: 'pem' | 'der'
  /** Lines of an extension section. */
  extensions?: string
}

/** A CRL by the real openssl. */
export function opensslCrl(
  ca: TestCertificate,
  { revoked = [], hours = 24, format = 'pem', extensions = '' }: CrlWish,
): Promise<Buffer> {
  return inTemporaryFolder(async (dir) => {
    await writeCa(dir, ca, revoked, extensions)
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
