import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ProxySettings, proxySource } from '../../../lib/certificate/proxy-header'
import {
  type TestCertificate,
  type TestCertificates,
  testCertificates,
} from '../../support/certificates'

/** Where Debian puts it, or where the environment says; without it there is nothing to test against. */
function installed(name: string, variable: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(':').concat('/usr/sbin')
  const places = [process.env[variable] ?? '', ...folders.map((folder) => join(folder, name))]
  return places.find((place) => place !== '' && existsSync(place))
}

const products = [
  {
    format: 'nginx',
    program: installed('nginx', 'MTLS_SECRET_NGINX'),
    configuration: 'nginx.conf',
    args: (file: string, folder: string) => ['-c', file, '-p', folder, '-e', 'stderr'],
  },
  {
    format: 'haproxy',
    program: installed('haproxy', 'MTLS_SECRET_HAPROXY'),
    configuration: 'haproxy.cfg',
    args: (file: string) => ['-db', '-f', file],
  },
] as const

let cast: TestCertificates
beforeAll(async () => {
  cast = await testCertificates()
})

for (const { format, program, configuration, args } of products) {
  if (program === undefined) refuseToLeaveOut(format)
  const describeIt = program === undefined ? describe.skip : describe
  describeIt(`behind the real ${format}, as the documentation sets it up,`, () => {
    let folder: string
    let backend: Server
    let proxy: ChildProcess

    beforeAll(async () => {
      const settings: ProxySettings = {
        trusted: ['127.0.0.1'],
        format,
        header: 'client-cert',
        verified_header: 'x-client-verify',
        address_header: 'x-real-ip',
      }
      const source = proxySource(settings)
      backend = createServer((req, res) => {
        res.end(JSON.stringify(source.read(req).presented?.thumbprint ?? 'none'))
      }).listen(0, '127.0.0.1')
      await once(backend, 'listening')
      folder = await mkdtemp(join(tmpdir(), 'mtls-secret-'))
      const template = await readFile(join('test/support/proxies', configuration), 'utf8')
      const { port } = backend.address() as AddressInfo
      const files: Record<string, string> = {
        [configuration]: template
          .replaceAll('FOLDER', folder)
          .replaceAll('BACKEND', `127.0.0.1:${port}`),
        'server.pem': cast.server.pem,
        'server.key': cast.server.key,
        'both.pem': cast.server.pem + cast.server.key,
        'ca.pem': cast.ca.pem,
      }
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
      proxy = spawn(program ?? '', args(join(folder, configuration), folder), { stdio: 'inherit' })
      await exists(join(folder, 'proxy.sock'), proxy)
    })
    afterAll(async () => {
      const ended = once(proxy, 'exit')
      proxy.kill()
      await ended
      backend.close()
      await rm(folder, { recursive: true })
    })

    async function ask(client: TestCertificate | undefined, headers: Record<string, string> = {}) {
      const asked = request({
        socketPath: join(folder, 'proxy.sock'),
        ca: cast.ca.pem,
        servername: 'localhost',
        agent: false,
        headers,
        ...(client && { cert: client.pem, key: client.key }),
      }).end()
      const [response] = await once(asked, 'response')
      let text = ''
      for await (const chunk of response) text += chunk
      // nginx itself answers 400 to a certificate that is over.
      return response.statusCode === 200 ? (JSON.parse(text) as string) : 'none'
    }

    test('each client is told by its own certificate', async () => {
      expect(await ask(cast.clientA)).toBe(cast.clientA.thumbprint)
      expect(await ask(cast.clientB)).toBe(cast.clientB.thumbprint)
    })

    test('nobody without a certificate, or with one that the proxy could not verify', async () => {
      for (const client of [undefined, cast.otherCaClient, cast.selfSignedA, cast.expired]) {
        expect(await ask(client)).toBe('none')
      }
    })

    test('what a client writes into the headers itself does not get through', async () => {
      const forged = {
        nginx: {
          'client-cert': encodeURIComponent(cast.clientA.pem),
          'x-client-verify': 'SUCCESS',
        },
        haproxy: { 'client-cert': cast.clientA.der.toString('base64'), 'x-client-verify': '0' },
      }[format]
      for (const client of [undefined, cast.selfSignedA])
        expect(await ask(client, forged)).toBe('none')
      expect(await ask(cast.clientB, forged)).toBe(cast.clientB.thumbprint)
    })
  })
}

async function exists(path: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('the proxy did not start')
}

/** What is left out is said, and in CI it is a failure: nobody shall believe in what did not run. */
function refuseToLeaveOut(format: string): void {
  const missing = `${format} is not installed, and was not tried.`
  if (process.env.CI === 'true') test(missing, () => Promise.reject(new Error(missing)))
  else process.stderr.write(`\n*** ${missing} ***\n\n`)
}
