/** The page's own steps for certificates: `certs/seed.sh`, run as it is, by the real tools. */
import { execFile } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { openTrust } from '../../lib/certificate/trust'
import { inTemporaryFolder } from '../support/certificates'

const run = promisify(execFile)

const printed = [
  'openssl genrsa -out cert.key 2048',
  'openssl req -x509 -new -nodes -key cert.key -sha256 -days 1024 -out cert.pem',
  'openssl pkcs12 -export -name server-cert -in cert.pem -inkey cert.key -out serverkeystore.p12',
  'openssl pkcs12 -in serverkeystore.p12 -out key.pem',
]

it.each(['certs/seed.sh', 'certs/README.md'])(
  '%s has the page’s commands as printed',
  async (file) => {
    const lines = (await readFile(file, 'utf8')).split('\n')
    for (const command of printed) {
      expect(lines.filter((line) => line === command || line === `${command} \\`)).toHaveLength(1)
    }
  },
)

it('makes a key pair, an encrypted key and a truststore that the server reads', async () => {
  await inTemporaryFolder(async (folder) => {
    await run(resolve('certs/seed.sh'), [folder])
    const file = (name: string) => join(folder, name)
    const certificate = new X509Certificate(await readFile(file('cert.pem')))
    expect(certificate.checkPrivateKey(createPrivateKey(await readFile(file('cert.key'))))).toBe(
      true,
    )
    const key = await readFile(file('key.pem'))
    expect(() => createPrivateKey(key)).toThrow()
    const opened = createPrivateKey({ key, passphrase: 'changeit' })
    expect(certificate.checkPrivateKey(opened)).toBe(true)
    const trust = await openTrust({
      file_name: file('client-truststore.jks'),
      password: 'wso2carbon',
    })
    expect(trust.set.entries.size).toBe(1)
  })
})
