import { makeCertificate } from '../../../lib/certificate/make'
import { type Clients, openClients } from '../../../lib/client/clients'
import { memoryStore } from '../../../lib/store'

/** What another makes of a client, and what nobody can: the rules of creating hold for changing too. */
const now = Date.now()
const pem = (name: string) => makeCertificate({ name, now }).certificatePem
const [first, second] = [pem('first'), pem('second')]
let clients: Clients
let store: ReturnType<typeof memoryStore>
beforeEach(() => {
  store = memoryStore()
  clients = openClients(store, { now: () => now })
})
afterEach(() => clients.close())

async function create(more: object = {}) {
  const { client } = await clients.create({ client_name: 'before', certificate: first, ...more })
  return client.client_id
}

test('what is left out goes back to its default, but for certificate, secret and what only an operator gives', async () => {
  const id = await create({
    scope: 'a b',
    resources: ['https://api.example'],
    resource_server: 'https://rs.example',
  })
  const before = await store.findClient(id)
  const changed = await clients.replace(id, { client_name: 'after' })
  expect(changed?.client_secret).toBeUndefined()
  expect(changed?.client).toMatchObject({
    client_name: 'after',
    scope: '',
    resource_server: 'https://rs.example',
  })
  expect(changed?.client).not.toHaveProperty('resources')
  const after = await store.findClient(id)
  expect(after?.secrets).toEqual(before?.secrets)
  expect(after?.certificates).toEqual(before?.certificates)
  expect(after?.created).toBe(before?.created)
})

test('another certificate takes the place of all that were', async () => {
  const id = await create()
  const changed = await clients.replace(id, { certificate: second })
  expect(changed?.client.certificates).toHaveLength(1)
  expect(changed?.client.certificates[0]?.subject).toBe('CN=second')
})

test('a method without secret takes the secret away, and one with a secret brings a new one', async () => {
  const id = await create()
  const without = await clients.replace(id, { token_endpoint_auth_method: 'tls_client_auth' })
  expect(without).toMatchObject({ client: { secrets: [] }, client_secret: undefined })
  const again = await clients.replace(id, {})
  expect(again?.client_secret).toMatch(/^[\w-]{43}$/)
  expect(again?.client.secrets).toHaveLength(1)
})

test('a change that would be refused when creating leaves all as it was', async () => {
  const id = await create()
  const before = await store.findClient(id)
  for (const metadata of [
    { token_endpoint_auth_method: 'private_key_jwt' },
    { without_certificate: true },
    { redirect_uris: ['http://a.example/'] },
  ]) {
    await expect(clients.replace(id, metadata)).rejects.toThrow()
  }
  expect(await store.findClient(id)).toEqual(before)
})

test('nobody is changed who is not there', async () => {
  expect(await clients.replace('nobody', {})).toBeUndefined()
})
