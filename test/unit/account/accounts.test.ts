import { randomBytes, randomUUID, scryptSync } from 'node:crypto'
import type { Account, AccountStore } from '../../../lib/account/account-store'
import { type Accounts, openAccounts } from '../../../lib/account/accounts'
import { memoryStore } from '../../../lib/store/memory'

let store: AccountStore
let accounts: Accounts

beforeEach(async () => {
  const memory = memoryStore()
  await memory.open()
  store = memory
  accounts = openAccounts(store, { now: () => 1_000 })
  await store.insertAccount(cheapAccount('alice', 'correct horse'))
  await store.insertAccount(cheapAccount('bob', 'battery staple'))
})

/** Hashed at a low cost, for tests that are about something else. */
function cheapAccount(username: string, password: string): Account {
  const salt = randomBytes(16)
  const hash = scryptSync(password, salt, 32, { N: 2, r: 8, p: 1 })
  return {
    account_id: randomUUID(),
    username,
    password: `scrypt$2$8$1$${salt.toString('base64url')}$${hash.toString('base64url')}`,
    disabled: false,
    created: 1_000,
  }
}

test('creates an account whose password is hashed at full cost', async () => {
  const carol = await accounts.create('carol', 'password')
  expect(await accounts.find('carol')).toEqual(carol)
  expect((await store.findAccount('carol'))?.password).toMatch(/^scrypt\$32768\$8\$3\$/)
  expect(await accounts.verify('carol', 'password')).toMatchObject({ username: 'carol' })
})

test('verifies a name and password of one account', async () => {
  const alice = await accounts.find('alice')
  expect(await accounts.verify('alice', 'correct horse')).toEqual({
    account_id: alice?.account_id,
    username: 'alice',
  })
  expect(await accounts.verify('alice', 'battery staple')).toBeUndefined()
  expect(await accounts.verify('Alice', 'correct horse')).toBeUndefined()
  expect(await accounts.verify('nobody', 'correct horse')).toBeUndefined()
})

test('shows an account without its password', async () => {
  const alice = await accounts.find('alice')
  expect(alice).toEqual({
    account_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    username: 'alice',
    disabled: false,
    created: 1_000,
  })
  expect(await accounts.findById(alice?.account_id ?? '')).toEqual(alice)
  expect(await accounts.findById('nobody')).toBeUndefined()
})

test('a disabled user is not believed, the other still is', async () => {
  expect(await accounts.disable('alice')).toMatchObject({ disabled: true })
  expect(await accounts.verify('alice', 'correct horse')).toBeUndefined()
  expect(await accounts.verify('bob', 'battery staple')).toMatchObject({ username: 'bob' })
})

test('who is shut out while the password is being checked stays out', async () => {
  const verify = () => [
    accounts.verify('alice', 'correct horse'),
    accounts.verify('bob', 'battery staple'),
  ]
  const asked = verify()
  await store.setDisabled('alice', true, 2_000)
  const { password } = cheapAccount('bob', 'a new one')
  await store.setPassword('bob', password, 2_000)
  expect(await Promise.all(asked)).toEqual([undefined, undefined])
})

test('a changed password replaces the old one', async () => {
  await accounts.setPassword('alice', 'new')
  expect(await accounts.verify('alice', 'correct horse')).toBeUndefined()
  expect(await accounts.verify('alice', 'new')).toMatchObject({ username: 'alice' })
})

test('stores no password', async () => {
  expect(JSON.stringify(await store.findAccount('alice'))).not.toContain('correct horse')
})

test('refuses a name that is taken', async () => {
  await expect(accounts.create('alice', 'other')).rejects.toThrow('already')
  expect(await accounts.verify('alice', 'correct horse')).toMatchObject({ username: 'alice' })
})

test('tells when there is no such user', async () => {
  await expect(accounts.setPassword('nobody', 'new')).rejects.toThrow('no user "nobody"')
  await expect(accounts.disable('nobody')).rejects.toThrow('no user "nobody"')
})

test.each([
  '',
  ' alice',
  'alice ',
  'al\nice',
  'al\0ice',
  'a\ud800',
  'a'.repeat(513),
  'ü'.repeat(257),
])('refuses the user name %j', async (username) => {
  await expect(accounts.create(username, 'password')).rejects.toThrow('user name')
})

test.each(['', 'a\0b', 'a\udc00', 'a'.repeat(513)])('refuses the password %j', async (password) => {
  const refused = await accounts.create('carol', password).catch((error) => error)
  expect(refused).toMatchObject({ name: 'SetupError' })
  if (password !== '') expect(refused.message).not.toContain(password)
  await expect(accounts.setPassword('alice', password)).rejects.toThrow('password')
  expect(await accounts.find('carol')).toBeUndefined()
})

test('a store that fails is an error, never a wrong password', async () => {
  const broken = { ...store, findAccount: () => Promise.reject(new Error('gone')) }
  const failing = openAccounts(broken, { now: () => 0 })
  await expect(failing.verify('alice', 'correct horse')).rejects.toThrow('gone')
})
