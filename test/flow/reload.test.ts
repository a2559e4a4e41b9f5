/** A reload takes all that the file says now; what it can't, it names. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuthorizationServer, createAuthorizationServer, loadDeployment } from '../../lib'
import { SetupError } from '../../lib/error/setup-error'
import { memoryStore } from '../../lib/store'
import { testCertificates } from '../support/certificates'

let folder: string
let server: AuthorizationServer
const file = (name: string) => join(folder, name)
const write = (toml: string) => writeFile(file('deployment.toml'), toml)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reload-'))
  const { ca, otherCa } = await testCertificates()
  await writeFile(file('ca.pem'), ca.pem)
  await writeFile(file('other-ca.pem'), otherCa.pem)
  await write('[truststore]\nfile_name = "ca.pem"')
  const deployment = await loadDeployment(file('deployment.toml'))
  server = await createAuthorizationServer({ ...deployment, store: memoryStore() })
})
afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

const anchors = () => server.trust.anchors.map(({ subject }) => subject)

test('another policy of the truststore is in force', async () => {
  await write(
    '[truststore]\nfile_name = "ca.pem"\ncheck_registered = true\ncrl_policy = "required"\nocsp = "hard"',
  )
  await server.reload()
  expect(server.trust.set).toMatchObject({
    checkRegistered: true,
    crlPolicy: 'required',
    ocsp: 'hard',
  })
})

test('another truststore is in force, and watched from then on', async () => {
  await write('[truststore]\nfile_name = "other-ca.pem"')
  await server.reload()
  expect(anchors()).toEqual(['CN=Other CA'])
  expect(server.trust.files).toEqual([file('other-ca.pem')])
  await server.trust.reload()
  expect(anchors()).toEqual(['CN=Other CA'])
})

test('a truststore that was taken out is believed no more', async () => {
  await write('')
  await server.reload()
  expect(anchors()).toEqual([])
  expect(server.trust.set.entries.size).toBe(0)
})

test('one that can’t be read is refused, and the old one stays with all its settings', async () => {
  await write('[truststore]\nfile_name = "none.pem"\ncheck_registered = true')
  await expect(server.reload()).rejects.toThrow(SetupError)
  await server.trust.reload()
  expect(anchors()).toEqual(['CN=Test CA'])
  expect(server.trust.set.checkRegistered).toBe(false)
})
