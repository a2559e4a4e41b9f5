import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { testCertificates } from '../../support/certificates'
import { type Running, start } from '../../support/process'

/** A folder with a `deployment.toml`, a server certificate and a truststore, and a service on them. */
export interface Tiny {
  folder: string
  file(name: string): string
  write(name: string, content: string): Promise<void>
  start(options?: { shell: string }): Running
  remove(): Promise<void>
}

export async function tinyFolder(server = ''): Promise<Tiny> {
  const folder = await mkdtemp(join(tmpdir(), 'service-'))
  const { server: own, ca } = await testCertificates()
  const file = (name: string) => join(folder, name)
  const write = (name: string, content: string) => writeFile(file(name), content)
  await write('server.pem', own.pem)
  await write('server.key', own.key)
  await write('truststore.pem', ca.pem)
  await write('deployment.toml', tinyToml(server))
  return {
    folder,
    file,
    write,
    start: (options) =>
      start(
        [
          '-r',
          resolve('test/support/typescript.cjs'),
          resolve('test/unit/service/tiny-service.ts'),
          file('deployment.toml'),
        ],
        options,
      ),
    remove: () => rm(folder, { recursive: true }),
  }
}

export function tinyToml(server: string, more = ''): string {
  return `[server]
port = 0
${server}
[keystore.tls]
file_name = "server.pem"
key_file_name = "server.key"
[truststore]
file_name = "truststore.pem"
${more}`
}

export const listener = (id: string) => `[[event_listener]]\nid = "${id}"\nname = "${id}"\n`
