import { createHash, randomBytes } from 'node:crypto'
import type { Account } from '../../lib/account/account-store'
import type { ClientRecord } from '../../lib/client/client-store'
import { OAuthError } from '../../lib/error/oauth-error'
import type { Store } from '../../lib/store'
import type { FoundCode, Grant, Issue, RefreshToken } from '../../lib/token/token-store'

/** Two views of one database, as two processes have them; the same store twice where it has one. */
export interface StoreWorld {
  store: Store
  other: Store
  /** Everything that the database holds, as text. */
  dump?(): Promise<string>
  close(): Promise<void>
}

/** What every store promises. Each test gets an empty database. */
export function storeContract(name: string, makeWorld: () => Promise<StoreWorld>): void {
  describe(`${name} store`, () => {
    let world: StoreWorld
    let store: Store
    let other: Store

    beforeEach(async () => {
      world = await makeWorld()
      ;({ store, other } = world)
    })
    afterEach(() => world.close())

    describe('clients', () => {
      test('finds a client with all that it was registered with', async () => {
        const record = client({
          grant_types: ['client_credentials', 'refresh_token'],
          redirect_uris: ['https://a.example/cb'],
          resources: ['https://api.example'],
          resource_server: 'https://rs.example',
          jwks: '{"keys":[]}',
          tls_identity: { kind: 'subject_dn', value: 'CN=a', issuer: 'x' },
          secrets: [secret({ created: 2 }), secret({ created: 1, expires: 99, last_used: 5 })],
          certificates: [
            certificate({ not_after: 9 }),
            certificate({ not_after: 5, last_used: 7 }),
          ],
        })
        expect(await store.insertClient(record)).toBe(true)
        expect(await store.findClient(record.client_id)).toEqual(record)
        expect(await other.findClient(record.client_id)).toEqual(record)
      })

      test('gives a certificate back byte for byte, as a Buffer', async () => {
        const der = randomBytes(900)
        await store.insertClient(client({ client_id: 'a', certificates: [certificate({ der })] }))
        const found = await other.findClient('a')
        expect(Buffer.isBuffer(found?.certificates[0]?.der)).toBe(true)
        expect(found?.certificates[0]?.der.equals(der)).toBe(true)
      })

      test('keeps a client without secret, certificate and the rest apart from empty values', async () => {
        const bare = client({ secrets: [], certificates: [], scope: '' })
        await store.insertClient(bare)
        expect(await store.findClient(bare.client_id)).toEqual(bare)
      })

      test('knows no client by another id, by part of one or in other letters', async () => {
        await store.insertClient(client({ client_id: 'Billing' }))
        for (const id of ['billing', 'Billin', 'Billing ', '%', '', 'Billing2']) {
          expect(await store.findClient(id)).toBeUndefined()
        }
      })

      test('refuses a taken client_id and leaves the first client as it was', async () => {
        const first = client({ client_id: 'a' })
        await store.insertClient(first)
        expect(await other.insertClient(client({ client_id: 'a', client_name: 'thief' }))).toBe(
          false,
        )
        expect(await store.findClient('a')).toEqual(first)
      })

      test('keeps what lets a client manage itself', async () => {
        const record = client({ registration: { digest: 'd', thumbprint: 't' } })
        await store.insertClient(record)
        expect(await other.findClient(record.client_id)).toEqual(record)
      })

      describe('registered over HTTP', () => {
        const registration = { digest: 'd', thumbprint: 't' }
        const room = { all: 3, lately: 2, since: 1_000 }
        const registered = (created: number) => client({ registration, created })

        test('are as many as there is room for, in all and lately', async () => {
          for (const created of [500, 1_001]) {
            expect(await store.insertRegistered(registered(created), room)).toBeUndefined()
          }
          await store.insertClient(client({ created: 2_000 }))
          expect(await other.insertRegistered(registered(1_002), room)).toBeUndefined()
          const wider = { ...room, all: 4 }
          expect(await store.insertRegistered(registered(1_003), wider)).toBe('too_many_lately')
          expect(await other.insertRegistered(registered(1_003), { ...wider, since: 1_001 })).toBe(
            undefined,
          )
          expect(await store.insertRegistered(registered(9_000), { ...wider, since: 8_000 })).toBe(
            'too_many',
          )
        })

        test('are never more, however many come at once', async () => {
          const answers = await Promise.all(
            Array.from({ length: 20 }, (_, turn) =>
              [store, other][turn % 2]?.insertRegistered(registered(2_000), {
                ...room,
                all: 5,
                lately: 5,
              }),
            ),
          )
          expect(answers.filter((answer) => answer === undefined)).toHaveLength(5)
          expect(await store.listClients()).toHaveLength(5)
        })

        test('make room when one is removed', async () => {
          const first = registered(1_001)
          const one = { all: 1, lately: 1, since: 0 }
          await store.insertRegistered(first, one)
          expect(await store.insertRegistered(registered(1_002), one)).toBe('too_many')
          await store.deleteClient(first.client_id)
          expect(await store.insertRegistered(registered(1_002), one)).toBeUndefined()
        })

        test('take no id that is taken', async () => {
          const first = registered(1_001)
          await store.insertClient(first)
          const thief = { ...first, client_name: 'thief' }
          expect(await other.insertRegistered(thief, room)).toBe('taken')
          expect(await store.findClient(first.client_id)).toEqual(first)
        })
      })

      test('lists all clients, oldest first', async () => {
        const [a, b, c] = [client({ created: 3 }), client({ created: 1 }), client({ created: 2 })]
        for (const record of [a, b, c]) await store.insertClient(record)
        expect(await store.listClients()).toEqual([b, c, a])
      })

      test('tells which thumbprints are registered for any client', async () => {
        const shared = certificate()
        await store.insertClient(client({ certificates: [shared, certificate()] }))
        await store.insertClient(client({ certificates: [shared] }))
        expect(await other.registeredAmong(['x', shared.thumbprint, 'y'])).toEqual([
          shared.thumbprint,
        ])
        expect(await other.registeredAmong([])).toEqual([])
      })

      test('shows the newest secret first, also when both were made in one millisecond', async () => {
        const replaced = secret({ created: 5, expires: 50 })
        const current = secret({ created: 5 })
        await store.insertClient(client({ client_id: 'a', secrets: [replaced, current] }))
        expect((await store.findClient('a'))?.secrets).toEqual([current, replaced])
      })

      test('changes a client to exactly what the change makes of it', async () => {
        const before = client({
          secrets: [secret(), secret()],
          certificates: [certificate(), certificate()],
        })
        await store.insertClient(before)
        const after: ClientRecord = {
          ...before,
          client_name: 'renamed',
          disabled: true,
          tls_identity: { kind: 'san_dns', value: 'a.example', issuer: undefined },
          secrets: [secret({ created: 10 })],
          certificates: [certificate({ not_after: 10 })],
        }
        expect(await store.changeClient(before.client_id, () => after)).toEqual(after)
        expect(await other.findClient(before.client_id)).toEqual(after)
      })

      test('answers undefined for a change of a client that is not there', async () => {
        const change = jest.fn((record: ClientRecord) => record)
        expect(await store.changeClient('nobody', change)).toBeUndefined()
        expect(change).not.toHaveBeenCalled()
      })

      test('leaves a client as it was when the change throws', async () => {
        const record = client()
        await store.insertClient(record)
        const change = store.changeClient(record.client_id, () => {
          throw new TypeError('no')
        })
        await expect(change).rejects.toThrow(TypeError)
        expect(await store.findClient(record.client_id)).toEqual(record)
        expect(await store.insertClient(client())).toBe(true)
      })

      test('loses no change when two processes change one client at once', async () => {
        await store.insertClient(client({ client_id: 'a', resources: [] }))
        const add = (at: Store, resource: string) =>
          at.changeClient('a', (record) => ({
            ...record,
            resources: [...record.resources, resource],
          }))
        const names = Array.from({ length: 20 }, (_, i) => `r${i}`)
        await Promise.all(names.map((name, i) => add(i % 2 ? store : other, name)))
        const found = await store.findClient('a')
        expect([...(found?.resources ?? [])].sort()).toEqual(names.sort())
      })

      test('removes a client with its grants, tokens, codes and pushed requests, and nobody else’s', async () => {
        await givenTwoClients()
        for (const client_id of ['a', 'b']) {
          await store.commitIssue(issue({ client_id, id: client_id }))
          await store.insertCode(code({ client_id, digest: `code-${client_id}` }))
          await store.insertPushedRequest(pushedRequest({ client_id, digest: `par-${client_id}` }))
        }
        expect(await store.deleteClient('a')).toBe(true)
        expect(await store.deleteClient('a')).toBe(false)
        expect(await other.findClient('a')).toBeUndefined()
        expect(await store.findRefreshToken('token-a')).toBeUndefined()
        expect(await store.findGrant('grant-a')).toBeUndefined()
        expect(await store.findCode('code-a')).toBeUndefined()
        expect(await store.takePushedRequest('par-a', now)).toBeUndefined()
        expect(await store.findRefreshToken('token-b')).toBeDefined()
        expect(await store.findGrant('grant-b')).toBeDefined()
        expect(await store.findCode('code-b')).toBeDefined()
        expect(await store.takePushedRequest('par-b', now)).toBeDefined()
      })

      test('records the last use of a secret and a certificate, never an earlier one', async () => {
        await givenTwoClients()
        const { secrets, certificates } = (await store.findClient('a')) as ClientRecord
        const digest = secrets[0]?.digest ?? ''
        const thumbprint = certificates[0]?.thumbprint ?? ''
        await store.recordUses([
          { client_id: 'a', digest, thumbprint, at: 30 },
          { client_id: 'a', digest, at: 20 },
          { client_id: 'nobody', digest, thumbprint, at: 90 },
        ])
        await other.recordUses([{ client_id: 'a', digest, thumbprint, at: 10 }])
        const found = await store.findClient('a')
        expect(found?.secrets[0]?.last_used).toBe(30)
        expect(found?.certificates[0]?.last_used).toBe(30)
        expect((await store.findClient('b'))?.secrets[0]?.last_used).toBeUndefined()
      })

      test('takes a thousand uses in one batch', async () => {
        const records = Array.from({ length: 50 }, () => client())
        for (const record of records) await store.insertClient(record)
        const uses = Array.from({ length: 1000 }, (_, i) => {
          const { client_id, secrets } = records[i % 50] as ClientRecord
          return { client_id, digest: secrets[0]?.digest ?? '', at: i }
        })
        await Promise.all([store.recordUses(uses), other.recordUses([...uses].reverse())])
        const last = await Promise.all(records.map((r) => store.findClient(r.client_id)))
        expect(last.map((found) => found?.secrets[0]?.last_used)).toEqual(
          records.map((_, i) => 950 + i),
        )
      })

      test('keeps a use that was recorded before a change of the client', async () => {
        await givenTwoClients()
        const digest = (await store.findClient('a'))?.secrets[0]?.digest ?? ''
        await store.changeClient('a', (record) => ({ ...record, client_name: 'new' }))
        await store.recordUses([{ client_id: 'a', digest, at: 5 }])
        const changed = await other.changeClient('a', (record) => ({ ...record, scope: 'x' }))
        expect(changed?.secrets[0]?.last_used).toBe(5)
      })
    })

    describe('clients in groups', () => {
      test('counts clients of which the same is asked, and names the first of them', async () => {
        const kind = {
          token_endpoint_auth_method: 'mtls-secret',
          grant_types: ['client_credentials'],
          without_certificate: false,
          disabled: false,
        }
        const ids = ['d', 'b', 'e', 'a', 'c']
        for (const id of ids) {
          await store.insertClient(client({ client_id: id, client_name: `name-${id}`, ...kind }))
        }
        const others = [
          { ...kind, token_endpoint_auth_method: 'private_key_jwt' },
          { ...kind, grant_types: ['client_credentials', 'password'] },
          { ...kind, without_certificate: true },
          { ...kind, disabled: true },
        ]
        for (const [index, other] of others.entries()) {
          await store.insertClient(client({ client_id: `z${index}`, client_name: 'z', ...other }))
        }
        const [largest, ...rest] = await other.groupClients()
        expect(largest).toEqual({
          ...kind,
          clients: 5,
          first: ['a', 'b', 'c'].map((id) => ({ client_id: id, client_name: `name-${id}` })),
        })
        expect(rest).toHaveLength(4)
        expect(rest).toEqual(
          expect.arrayContaining(
            others.map((other, index) => ({
              ...other,
              clients: 1,
              first: [{ client_id: `z${index}`, client_name: 'z' }],
            })),
          ),
        )
      })

      test('finds no group where there is no client', async () => {
        expect(await store.groupClients()).toEqual([])
      })
    })

    describe('what was observed', () => {
      const seen = (client_id: string, since: number, last: number, times: number) => ({
        client_id,
        reason: 'no_certificate_registered',
        since,
        last,
        times,
      })

      test('is summed over processes, from the first time to the last', async () => {
        await givenTwoClients()
        await store.recordObserved([seen('a', 20, 30, 2), seen('b', 40, 40, 1)])
        await other.recordObserved([seen('a', 10, 15, 3)])
        await store.recordObserved([{ ...seen('a', 50, 60, 4), reason: 'acme:late' }])
        expect(await other.listObserved(0)).toEqual([
          { ...seen('a', 50, 60, 4), reason: 'acme:late' },
          seen('b', 40, 40, 1),
          seen('a', 10, 30, 5),
        ])
        expect(await store.listObserved(40)).toHaveLength(2)
      })

      test('is nothing of a client that is gone, and goes with the client', async () => {
        await givenTwoClients()
        await store.recordObserved([
          seen('nobody', 1, 1, 1),
          seen('a', 1, 1, 1),
          seen('b', 1, 1, 1),
        ])
        await store.deleteClient('a')
        await store.recordObserved([seen('a', 2, 2, 2)])
        expect(await store.listObserved(0)).toEqual([seen('b', 1, 1, 1)])
      })

      test('is taken by the thousand from two processes at once', async () => {
        const records = Array.from({ length: 300 }, () => client())
        for (const record of records) await store.insertClient(record)
        const batch = records.map(({ client_id }, i) => seen(client_id, i, i, 1))
        await Promise.all([store.recordObserved(batch), other.recordObserved([...batch].reverse())])
        const found = await store.listObserved(0)
        expect(found).toHaveLength(300)
        expect(found.every(({ times }) => times === 2)).toBe(true)
      })
    })

    describe('version', () => {
      test('moves with each change of clients, accounts and keys, here at once', async () => {
        await store.insertClient(client({ client_id: 'a' }))
        await store.insertAccount(account({ username: 'anna' }))
        const changes = [
          () => store.insertClient(client()),
          () => store.changeClient('a', (record) => ({ ...record, disabled: true })),
          () => store.insertAccount(account()),
          () => store.setPassword('anna', 'x', now),
          () => store.setDisabled('anna', true, now),
          () => store.activateKey({ kid: 'k', alg: 'ES256' }, now, 1),
          () => store.deleteClient('a'),
        ]
        for (const change of changes) {
          const before = await store.version()
          await change()
          expect(await store.version()).not.toBe(before)
        }
      })

      test('moves for the other process too', async () => {
        const before = await other.version()
        await store.insertClient(client())
        await until(async () => (await other.version()) !== before)
      })

      test('does not move when nothing of that changes', async () => {
        await givenTwoClients()
        await Promise.all([settled(store), settled(other)])
        const before = [await store.version(), await other.version()]
        await store.commitIssue(issue({ client_id: 'a', id: '1' }))
        await store.recordUses([{ client_id: 'a', digest: 'x', at: 1 }])
        await store.recordObserved([
          { client_id: 'a', reason: 'no_certificate_registered', since: 1, last: 1, times: 1 },
        ])
        await store.seen('k', now + 1, now)
        await store.revokeGrant('grant-1', now, now)
        expect([await store.version(), await other.version()]).toEqual(before)
      })
    })

    describe('accounts', () => {
      test('finds an account by its name and by its id', async () => {
        const anna = account({ username: 'anna' })
        await store.insertAccount(anna)
        await store.insertAccount(account({ username: 'Anna' }))
        expect(await other.findAccount('anna')).toEqual(anna)
        expect(await other.findAccountById(anna.account_id)).toEqual(anna)
        expect(await store.findAccount('ann')).toBeUndefined()
        expect(await store.findAccountById('anna')).toBeUndefined()
      })

      test('refuses a taken username and a taken account_id', async () => {
        const anna = account({ username: 'anna' })
        await store.insertAccount(anna)
        expect(await other.insertAccount(account({ username: 'anna' }))).toBe(false)
        expect(await other.insertAccount({ ...anna, username: 'other' })).toBe(false)
        expect(await store.findAccount('anna')).toEqual(anna)
      })

      test.each(['setPassword', 'setDisabled'] as const)(
        '%s ends every grant, code and session of the account, and nobody else’s',
        async (how) => {
          await givenTwoClients()
          for (const username of ['anna', 'bert']) {
            const { account_id: sub } = await givenAccount(username)
            await store.commitIssue(issue({ client_id: 'a', id: username, sub }))
            await store.insertCode(code({ client_id: 'a', digest: `code-${username}`, sub }))
            await store.insertSession(session({ digest: `session-${username}`, account_id: sub }))
          }
          const done =
            how === 'setPassword'
              ? await other.setPassword('anna', 'new', now)
              : await other.setDisabled('anna', true, now)
          expect(done).toBe(true)
          expect(await store.isGrantRevoked('grant-anna')).toBe(true)
          expect(await store.commitIssue(rotation('token-anna', 'next'))).toBe(false)
          expect(await store.findCode('code-anna')).toBeUndefined()
          expect(await store.findSession('session-anna', now)).toBeUndefined()
          expect(await store.isGrantRevoked('grant-bert')).toBe(false)
          expect(await store.findCode('code-bert')).toBeDefined()
          expect(await store.findSession('session-bert', now)).toBeDefined()
          const anna = await store.findAccount('anna')
          expect(anna?.[how === 'setPassword' ? 'password' : 'disabled']).toBe(
            how === 'setPassword' ? 'new' : true,
          )
        },
      )

      test('enabling an account again ends nothing', async () => {
        await givenTwoClients()
        const { account_id: sub } = await givenAccount('anna')
        await store.setDisabled('anna', true, now)
        await store.commitIssue(issue({ client_id: 'a', id: '1', sub }))
        await store.setDisabled('anna', false, now)
        expect(await store.isGrantRevoked('grant-1')).toBe(false)
        expect((await store.findAccount('anna'))?.disabled).toBe(false)
      })

      test('says that there is no such account', async () => {
        expect(await store.setPassword('nobody', 'x', now)).toBe(false)
        expect(await store.setDisabled('nobody', true, now)).toBe(false)
      })

      test('knows a session until it ends or is deleted', async () => {
        const { account_id } = await givenAccount('anna')
        const one = session({ digest: 's', account_id, expires: now + 10 })
        await store.insertSession(one)
        expect(await other.findSession('s', now + 9)).toEqual(one)
        expect(await other.findSession('s', now + 10)).toBeUndefined()
        expect(await other.deleteSession('s')).toBe(true)
        expect(await store.deleteSession('s')).toBe(false)
        expect(await store.findSession('s', now)).toBeUndefined()
      })
    })

    describe('grants and refresh tokens', () => {
      beforeEach(givenTwoClients)

      test('stores a grant and its token, and finds them together', async () => {
        const { grant, refresh_token } = issue({ client_id: 'a', id: '1', sub: 'anna' })
        expect(await store.commitIssue({ grant, refresh_token, now } as Issue)).toBe(true)
        expect(await other.findRefreshToken('token-1')).toEqual({ ...refresh_token, grant })
        expect(await other.findGrant('grant-1')).toEqual(grant)
      })

      test('rotates: the old token is used, the new one belongs to the same grant', async () => {
        await store.commitIssue(issue({ client_id: 'a', id: '1' }))
        expect(await store.commitIssue(rotation('token-1', 'token-2', 'grant-1', now + 5))).toBe(
          true,
        )
        expect((await store.findRefreshToken('token-1'))?.used).toBe(now + 5)
        const next = await other.findRefreshToken('token-2')
        expect(next?.used).toBeUndefined()
        expect(next?.grant.grant_id).toBe('grant-1')
      })

      test('refuses a used token, and stores nothing of what would have come', async () => {
        await store.commitIssue(issue({ client_id: 'a', id: '1' }))
        await store.commitIssue(rotation('token-1', 'token-2', 'grant-1'))
        expect(await other.commitIssue(rotation('token-1', 'token-3', 'grant-1'))).toBe(false)
        expect(await store.findRefreshToken('token-3')).toBeUndefined()
        expect((await store.findRefreshToken('token-2'))?.used).toBeUndefined()
      })

      test('refuses an unknown token, one that has ended and one whose grant has ended', async () => {
        const short = issue({ client_id: 'a', id: 'short' })
        await store.commitIssue({
          ...short,
          refresh_token: { ...short.refresh_token, expires: now + 5 },
        })
        const long = issue({ client_id: 'a', id: 'long' })
        await store.commitIssue({ ...long, grant: { ...long.grant, expires: now + 5 } })
        expect(await store.commitIssue(rotation('token-0', 'x', 'grant-short'))).toBe(false)
        expect(await store.commitIssue(rotation('token-short', 'x', 'grant-short', now + 5))).toBe(
          false,
        )
        expect(await store.commitIssue(rotation('token-long', 'x', 'grant-long', now + 5))).toBe(
          false,
        )
        expect(await store.findRefreshToken('x')).toBeUndefined()
        expect(await store.commitIssue(rotation('token-short', 'x', 'grant-short', now + 4))).toBe(
          true,
        )
      })

      test('of eight that spend one token in two processes, exactly one wins', async () => {
        for (let round = 0; round < 25; round++) {
          await store.commitIssue(issue({ client_id: 'a', id: `r${round}` }))
          const tries = Array.from({ length: 8 }, (_, i) =>
            (i % 2 ? store : other).commitIssue(
              rotation(`token-r${round}`, `next-${round}-${i}`, `grant-r${round}`),
            ),
          )
          const won = (await Promise.all(tries)).filter(Boolean)
          expect(won).toHaveLength(1)
          const stored = await Promise.all(
            tries.map((_, i) => store.findRefreshToken(`next-${round}-${i}`)),
          )
          expect(stored.filter(Boolean)).toHaveLength(1)
        }
      })

      test('of many commits at once one that fails fails alone', async () => {
        await store.commitIssue(issue({ client_id: 'a', id: '1' }))
        const outcomes = await Promise.allSettled([
          store.commitIssue(issue({ client_id: 'a', id: '2' })),
          store.commitIssue(rotation('unknown', 'x', 'grant-1')),
          store.commitIssue(issue({ client_id: 'a', id: '1' })),
          store.changeClient('b', () => {
            throw new TypeError('no')
          }),
          store.commitIssue(issue({ client_id: 'b', id: '3' })),
          store.commitIssue(issue({ client_id: 'a', id: '\0' })),
          store.commitIssue(rotation('token-1', 'token-4', 'grant-1')),
        ])
        expect(outcomes.map((o) => (o.status === 'fulfilled' ? o.value : 'threw'))).toEqual([
          true,
          false,
          false,
          'threw',
          true,
          'threw',
          true,
        ])
        for (const found of ['token-2', 'token-3', 'token-4']) {
          expect(await other.findRefreshToken(found)).toBeDefined()
        }
        expect(await other.findRefreshToken('x')).toBeUndefined()
      })

      test('undoes the spending when what would be stored cannot be', async () => {
        await store.commitIssue(issue({ client_id: 'a', id: '1' }))
        await store.commitIssue(issue({ client_id: 'a', id: '2' }))
        expect(await store.commitIssue(rotation('token-1', 'token-2', 'grant-1'))).toBe(false)
        expect((await store.findRefreshToken('token-1'))?.used).toBeUndefined()
        expect(await store.commitIssue(rotation('token-1', 'token-3', 'grant-1'))).toBe(true)
      })

      test('stores no grant for a client that is gone', async () => {
        await store.deleteClient('a')
        expect(await store.commitIssue(issue({ client_id: 'a', id: '1' }))).toBe(false)
        expect(await store.findGrant('grant-1')).toBeUndefined()
      })

      test('has nothing to do, and no failure, when an answer writes nothing', async () => {
        expect(await store.commitIssue({ now })).toBe(true)
      })

      test('ends every token of a revoked grant, in every process', async () => {
        await store.commitIssue(issue({ client_id: 'a', id: '1' }))
        await store.commitIssue(rotation('token-1', 'token-2', 'grant-1'))
        await store.commitIssue(issue({ client_id: 'a', id: 'else' }))
        expect(await other.isGrantRevoked('grant-1')).toBe(false)
        expect(await store.revokeGrant('grant-1', now + 1, now + 2)).toBe(true)
        expect(await other.revokeGrant('grant-1', now + 5, now + 6)).toBe(false)
        expect(await other.isGrantRevoked('grant-1')).toBe(true)
        expect((await other.findGrant('grant-1'))?.revoked).toBe(now + 1)
        expect(await other.commitIssue(rotation('token-2', 'token-3', 'grant-1', now + 2))).toBe(
          false,
        )
        expect((await store.findRefreshToken('token-2'))?.grant.revoked).toBe(now + 1)
        expect(await store.commitIssue(rotation('token-else', 'token-4', 'grant-else'))).toBe(true)
      })

      test('remembers the revocation of a grant that was never stored, and lets none be stored', async () => {
        expect(await store.isGrantRevoked('grant-1')).toBe(false)
        expect(await store.revokeGrant('grant-1', now, now + 10)).toBe(true)
        expect(await other.revokeGrant('grant-1', now, now + 10)).toBe(false)
        expect(await other.isGrantRevoked('grant-1')).toBe(true)
        expect(await other.findGrant('grant-1')).toBeUndefined()
        expect(await other.commitIssue(issue({ client_id: 'a', id: '1' }))).toBe(false)
      })
    })

    describe('codes', () => {
      beforeEach(givenTwoClients)

      test('finds a code with all that it was issued for', async () => {
        const one = code({
          client_id: 'a',
          digest: 'c',
          resources: ['https://api.example'],
          nonce: 'n',
          auth_time: 7,
        })
        await store.insertCode(one)
        expect(await other.findCode('c')).toEqual(one)
        expect(await other.findCode('d')).toBeUndefined()
      })

      test('of eight that redeem one code in two processes, exactly one wins', async () => {
        await store.insertCode(code({ client_id: 'a', digest: 'c', grant_id: 'grant-0' }))
        const tries = Array.from({ length: 8 }, (_, i) =>
          (i % 2 ? store : other).commitIssue({
            ...issue({ client_id: 'a', id: `${i}` }),
            consumes: { code: 'c' },
          }),
        )
        expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1)
        expect((await store.findCode('c'))?.used).toBe(now)
        expect((await store.status()).counts.refresh_token).toBe(1)
      })

      test('refuses a code that is unknown, has ended or whose grant was revoked', async () => {
        await store.insertCode(
          code({ client_id: 'a', digest: 'c', expires: now + 5, grant_id: 'g' }),
        )
        expect(await store.commitIssue({ consumes: { code: 'x' }, now })).toBe(false)
        expect(await store.commitIssue({ consumes: { code: 'c' }, now: now + 5 })).toBe(false)
        await store.revokeGrant('g', now, now + 100)
        expect(await store.commitIssue({ consumes: { code: 'c' }, now })).toBe(false)
        expect((await store.findCode('c'))?.used).toBeUndefined()
      })

      test('gives a pushed request once, in one of two processes', async () => {
        const request = pushedRequest({ client_id: 'a', digest: 'p', expires: now + 5 })
        await store.insertPushedRequest(request)
        const taken = await Promise.all(
          [store, other, store, other].map((at) => at.takePushedRequest('p', now)),
        )
        expect(taken.filter(Boolean)).toEqual([request])
      })

      test('gives no pushed request that has ended', async () => {
        await store.insertPushedRequest(
          pushedRequest({ client_id: 'a', digest: 'p', expires: now + 5 }),
        )
        expect(await store.takePushedRequest('p', now + 5)).toBeUndefined()
      })
    })

    describe('what may come once', () => {
      test('has seen a key from the first time until it ends', async () => {
        expect(await store.seen('k', now + 10, now)).toBe(false)
        expect(await other.seen('k', now + 20, now + 9)).toBe(true)
        expect(await other.seen('K', now + 20, now)).toBe(false)
        expect(await other.seen('k', now + 20, now + 10)).toBe(false)
        expect(await store.seen('k', now + 30, now + 11)).toBe(true)
      })

      test('spends a jti once, apart from keys that were seen', async () => {
        await store.seen('j', now + 10, now)
        const spend = (at: Store) =>
          at.commitIssue({ consumes: { jti: 'j', expires: now + 10 }, now })
        expect(await spend(store)).toBe(true)
        expect(await spend(other)).toBe(false)
        expect(await store.seen('j', now + 10, now)).toBe(true)
      })

      test('of eight that show one key in two processes, exactly one is the first', async () => {
        const tries = Array.from({ length: 8 }, (_, i) =>
          (i % 2 ? store : other).seen('k', now + 9, now),
        )
        expect((await Promise.all(tries)).filter((before) => !before)).toHaveLength(1)
      })

      test('takes a moment that has a fraction, as an assertion’s exp may', async () => {
        expect(await store.seen('f', now + 10.5, now)).toBe(false)
        expect(await other.seen('f', now + 20, now + 10)).toBe(true)
        const consumes = { jti: 'f', expires: now + 10.5 }
        expect(await store.commitIssue({ consumes, now })).toBe(true)
        expect(await other.commitIssue({ consumes, now: now + 10 })).toBe(false)
      })
    })

    describe('keys', () => {
      test('the newest active key signs, the replaced one stays published for the overlap', async () => {
        await store.activateKey({ kid: 'one', alg: 'ES256' }, 10, 100)
        await other.activateKey({ kid: 'two', alg: 'RS256' }, 20, 100)
        expect(await store.listKeys()).toEqual([
          {
            kid: 'two',
            alg: 'RS256',
            created: 20,
            replaced: undefined,
            published_until: undefined,
          },
          { kid: 'one', alg: 'ES256', created: 10, replaced: 20, published_until: 120 },
        ])
      })

      test('a known key can sign again', async () => {
        await store.activateKey({ kid: 'one', alg: 'ES256' }, 10, 100)
        await store.activateKey({ kid: 'two', alg: 'ES256' }, 20, 100)
        await store.activateKey({ kid: 'one', alg: 'ES256' }, 30, 100)
        expect(await other.listKeys()).toEqual([
          { kid: 'two', alg: 'ES256', created: 20, replaced: 30, published_until: 130 },
          {
            kid: 'one',
            alg: 'ES256',
            created: 10,
            replaced: undefined,
            published_until: undefined,
          },
        ])
      })

      test('one key signs when two processes activate different ones at once', async () => {
        await Promise.all(
          Array.from({ length: 6 }, (_, i) =>
            (i % 2 ? store : other).activateKey({ kid: `k${i}`, alg: 'ES256' }, now + i, 1),
          ),
        )
        const active = (await store.listKeys()).filter((key) => key.replaced === undefined)
        expect(active).toHaveLength(1)
      })
    })

    describe('failures', () => {
      const failure = (key: string, more = {}) => ({ key, now, window: 60_000, limit: 3, ...more })
      const count = async (by: Store, key: string, more = {}) =>
        (await by.countFailure(failure(key, more))).failures

      test('are counted by key over all processes, in a window that begins with the first', async () => {
        expect(await store.countFailure(failure('k'))).toEqual({ failures: 1, ends: now + 60_000 })
        expect(await other.countFailure(failure('k', { now: now + 9 }))).toEqual({
          failures: 2,
          ends: now + 60_000,
        })
        expect(await count(store, 'another')).toBe(1)
        expect(await count(store, 'k', { now: now + 60_000 })).toBe(1)
      })

      test('of forty in two processes at once none is lost', async () => {
        const counts = await Promise.all(
          Array.from({ length: 40 }, (_, i) => count(i % 2 ? store : other, 'k')),
        )
        expect(counts.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
      })

      test('block a key once, and every process can tell', async () => {
        for (let i = 0; i < 2; i++) await count(store, 'k')
        expect(await store.blockedAfter(0, 9)).toEqual([])
        for (let i = 0; i < 3; i++) await count(store, 'k')
        for (let i = 0; i < 3; i++) await count(store, 'l')
        const blocked = await other.blockedAfter(0, 9)
        expect(blocked).toMatchObject([
          { key: 'k', ends: now + 60_000 },
          { key: 'l', ends: now + 60_000 },
        ])
        const [first = 0, last = 0] = blocked.map(({ blocked }) => blocked)
        await until(async () => (await other.lastBlock()) === last)
        expect(await other.blockedAfter(0, 1)).toEqual(blocked.slice(0, 1))
        expect(await other.blockedAfter(first, 9)).toEqual(blocked.slice(1))
        expect(await other.blockedAfter(last, 9)).toEqual([])
      })

      test('begin anew where a clock that was set back left a window too far ahead', async () => {
        for (let i = 0; i < 3; i++) await count(store, 'k', { now: now + 3_600_000 })
        expect(await count(store, 'k')).toBe(1)
        expect(await store.blockedAfter(0, 9)).toEqual([])
        expect(await count(store, 'k', { now: now - 59_000 })).toBe(2)
      })

      test('are forgotten when their window has ended, some at a time', async () => {
        for (const key of ['a', 'b', 'c']) await count(store, key)
        await count(store, 'later', { now: now + 1 })
        expect(await store.forgetFailures(now + 60_001, 2)).toBe(2)
        expect(await other.forgetFailures(now + 60_001, 2)).toBe(1)
        expect(await store.forgetFailures(now + 60_001, 2)).toBe(0)
        expect((await other.status()).counts).toMatchObject({ failure: 1 })
      })
    })

    describe('removal of what has ended', () => {
      test('removes what ended before, in steps of at most the limit, and nothing else', async () => {
        await givenTwoClients()
        const { account_id } = await givenAccount('anna')
        for (const [id, expires] of [
          ['old', now - 1],
          ['new', now],
        ] as const) {
          const { grant, refresh_token } = issue({ client_id: 'a', id })
          await store.commitIssue({ grant: { ...grant, expires }, refresh_token, now: now - 9 })
          for (let i = 0; i < 4; i++) {
            const from = i === 0 ? `token-${id}` : `${id}-${i - 1}`
            await store.commitIssue(rotation(from, `${id}-${i}`, `grant-${id}`, now - 5))
          }
          await store.insertCode(code({ client_id: 'a', digest: id, expires }))
          await store.insertPushedRequest(pushedRequest({ client_id: 'a', digest: id, expires }))
          await store.insertSession(session({ digest: id, account_id, expires }))
          await store.seen(id, expires, now - 5)
          await store.revokeGrant(`unstored-${id}`, now - 5, expires)
        }
        const removed: number[] = []
        do removed.push(await store.removeExpired(now, 3))
        while (removed.at(-1) !== 0 && removed.length < 20)
        expect(Math.max(...removed)).toBe(3)
        expect(removed.reduce((a, b) => a + b)).toBe(11)
        expect((await other.status()).counts).toMatchObject({
          client: 2,
          account: 1,
          grant: 2,
          refresh_token: 5,
          code: 1,
          par: 1,
          session: 1,
          replay: 1,
        })
        expect(await store.isGrantRevoked('unstored-new')).toBe(true)
        expect(await store.findRefreshToken('new-3')).toBeDefined()
      })

      test('keeps a used token until its whole family has ended, so that it is known when it comes back', async () => {
        await givenTwoClients()
        const { grant, refresh_token } = issue({ client_id: 'a', id: '1' })
        await store.commitIssue({
          grant: { ...grant, expires: now + 100 },
          refresh_token: { ...refresh_token, expires: now + 5 },
          now,
        })
        expect(await store.removeExpired(now + 50, 10)).toBe(0)
        expect(await store.findRefreshToken('token-1')).toBeDefined()
      })

      test('remembers a revoked grant as long as asked, though it had ended before', async () => {
        await givenTwoClients()
        await store.commitIssue(issue({ client_id: 'a', id: '1' }))
        await store.revokeGrant('grant-1', now, hence + 100)
        await store.removeExpired(hence + 50, 100)
        await store.removeExpired(hence + 50, 100)
        expect(await store.isGrantRevoked('grant-1')).toBe(true)
      })
    })

    describe('bad input', () => {
      const quote = `'; drop table client; -- "\\' \${x} %_ ? $1 :a @b`

      test('takes SQL metacharacters for what they are', async () => {
        const record = client({ client_id: quote, client_name: quote, scope: quote, jwks: quote })
        await store.insertClient(record)
        await store.insertAccount(account({ username: quote, password: quote }))
        await store.commitIssue({
          ...issue({ client_id: quote, id: quote, sub: quote }),
          consumes: { jti: quote, expires: now + 1 },
        })
        expect(await other.findClient(quote)).toEqual(record)
        expect((await other.findAccount(quote))?.password).toBe(quote)
        expect((await other.findRefreshToken(`token-${quote}`))?.grant.sub).toBe(quote)
        expect(await store.revokeGrant(`grant-${quote}`, now, now)).toBe(true)
        expect(await store.deleteClient(quote)).toBe(true)
        expect(await store.findClient('anything')).toBeUndefined()
      })

      test('finds nothing by a text that no store can hold', async () => {
        await givenTwoClients()
        for (const bad of ['a\0', '\0', 'a\ud800', '\udfff', '\ufffd']) {
          expect(await store.findClient(bad)).toBeUndefined()
          expect(await store.findAccount(bad)).toBeUndefined()
          expect(await store.findAccountById(bad)).toBeUndefined()
          expect(await store.findRefreshToken(bad)).toBeUndefined()
          expect(await store.findGrant(bad)).toBeUndefined()
          expect(await store.isGrantRevoked(bad)).toBe(false)
          expect(await store.findCode(bad)).toBeUndefined()
          expect(await store.findSession(bad, now)).toBeUndefined()
        }
      })

      const wide = { NUL: 'a\0b', 'a lone surrogate': 'a\ud800b', '64 KiB': randomText(65_536) }
      test.each(Object.entries(wide))(
        '%s in any field is refused with 400 or stored as it is; the next request works',
        async (_, text) => {
          await givenTwoClients()
          await givenAccount('anna')
          const { account_id } = (await store.findAccount('anna')) as Account
          const writes: (() => Promise<unknown>)[] = [
            ...every(client(), text).map((record) => () => store.insertClient(record)),
            ...every(secret(), text).map(
              (bad) => () => store.insertClient(client({ secrets: [bad] })),
            ),
            ...every(certificate(), text).map(
              (bad) => () => store.insertClient(client({ certificates: [bad] })),
            ),
            ...every(client({ client_id: 'a' }), text).map(
              (record) => () => store.changeClient('a', () => record),
            ),
            ...every(account(), text).map((bad) => () => store.insertAccount(bad)),
            ...every(issue({ client_id: 'b', id: 'x' }).grant, text).map(
              (grant) => () => store.commitIssue({ grant, now }),
            ),
            ...every(code({ client_id: 'b', digest: 'x' }), text).map(
              (bad) => () => store.insertCode(bad),
            ),
            ...every(pushedRequest({ client_id: 'b', digest: 'x' }), text).map(
              (bad) => () => store.insertPushedRequest(bad),
            ),
            ...every(session({ digest: 'x', account_id }), text).map(
              (bad) => () => store.insertSession(bad),
            ),
            () => store.setPassword('anna', text, now),
            () => store.setPassword(text, 'x', now),
            () => store.setDisabled(text, true, now),
            () => store.deleteClient(text),
            () => store.changeClient(text, (record) => record),
            () => store.deleteSession(text),
            () => store.takePushedRequest(text, now),
            () => store.revokeGrant(text, now, now),
            () => store.activateKey({ kid: text, alg: text }, now, 1),
            () => store.commitIssue({ consumes: { refresh_token: text }, now }),
            () => store.commitIssue({ consumes: { code: text }, now }),
            () => store.commitIssue({ consumes: { jti: text, expires: now + 1 }, now }),
            () => store.seen(text, now + 1, now),
            () => store.recordUses([{ client_id: text, digest: text, thumbprint: text, at: 1 }]),
          ]
          for (const write of writes) {
            await write().catch((error: unknown) => {
              expect(error).toBeInstanceOf(OAuthError)
              // A long text may name a client that is not there, which is no fault of the text.
              expect(text.length > 3 ? [400, 503] : [400]).toContain((error as OAuthError).status)
              expect((error as OAuthError).cause).not.toBeInstanceOf(TypeError)
            })
          }
          expect((await store.findClient('b'))?.client_id).toBe('b')
          expect(await store.insertClient(client({ client_id: 'c' }))).toBe(true)
        },
      )

      test('stores 64 KiB of text in what has no key, and gives it back', async () => {
        const long = randomText(65_536)
        const record = client({ client_name: long, scope: long, jwks: long })
        await store.insertClient(record)
        expect(await other.findClient(record.client_id)).toEqual(record)
      })
    })

    describe('the store itself', () => {
      test('answers a ping and tells what it holds', async () => {
        await givenTwoClients()
        await store.ping()
        const status = await other.status()
        expect(status.schema).toBe(status.latest)
        expect(status.counts).toMatchObject({ client: 2, client_secret: 2, account: 0, grant: 0 })
      })

      test('opens twice without harm', async () => {
        await givenTwoClients()
        await store.open()
        expect(await store.findClient('a')).toBeDefined()
      })

      test('holds no key of single use in plain text', async () => {
        await store.seen('canary-seen', now + 1, now)
        await store.commitIssue({ consumes: { jti: 'canary-jti', expires: now + 1 }, now })
        if (world.dump) expect(await world.dump()).not.toContain('canary')
      })
    })

    async function givenTwoClients(): Promise<void> {
      await store.insertClient(client({ client_id: 'a' }))
      await store.insertClient(client({ client_id: 'b' }))
    }

    async function givenAccount(username: string): Promise<Account> {
      const one = account({ username })
      await store.insertAccount(one)
      return one
    }
  })
}

const now = 1_750_000_000_000
/** When the grants of these tests end. */
const hence = now + 1_000_000

function client(wish: Partial<ClientRecord> = {}): ClientRecord {
  return {
    client_id: unique('client'),
    client_name: 'billing',
    token_endpoint_auth_method: 'mtls-secret',
    grant_types: ['client_credentials'],
    scope: 'a b',
    redirect_uris: [],
    resources: [],
    resource_server: undefined,
    jwks: undefined,
    without_certificate: false,
    tls_identity: undefined,
    registration: undefined,
    disabled: false,
    created: now,
    secrets: [secret()],
    certificates: [certificate()],
    ...wish,
  }
}

function secret(wish: Partial<ClientRecord['secrets'][number]> = {}) {
  return {
    digest: unique('secret'),
    created: now,
    expires: undefined,
    last_used: undefined,
    ...wish,
  }
}

function certificate(wish: Partial<ClientRecord['certificates'][number]> = {}) {
  return {
    thumbprint: unique('thumbprint'),
    der: randomBytes(32),
    subject: 'CN=billing',
    not_after: now,
    last_used: undefined,
    ...wish,
  }
}

function account(wish: Partial<Account> = {}): Account {
  const username = wish.username ?? unique('user')
  return {
    account_id: unique('account'),
    username,
    password: 'p',
    disabled: false,
    created: now,
    ...wish,
  }
}

function issue(wish: { client_id: string; id: string; sub?: string }): Issue & {
  grant: Grant
  refresh_token: RefreshToken
} {
  return {
    grant: {
      grant_id: `grant-${wish.id}`,
      client_id: wish.client_id,
      sub: wish.sub ?? wish.client_id,
      scope: 'a b',
      resources: ['https://api.example'],
      claims: '{"tenant":"t"}',
      created: now,
      expires: hence,
      revoked: undefined,
    },
    refresh_token: token(`token-${wish.id}`, `grant-${wish.id}`),
    now,
  }
}

function rotation(from: string, to: string, grant_id = 'grant-1', at = now): Issue {
  return { consumes: { refresh_token: from }, refresh_token: token(to, grant_id), now: at }
}

function token(digest: string, grant_id: string): RefreshToken {
  return { digest, grant_id, created: now, expires: hence, used: undefined }
}

function code(wish: { client_id: string; digest: string } & Partial<FoundCode>): FoundCode {
  return {
    grant_id: `grant-of-${wish.digest}`,
    sub: 'anna',
    scope: 'openid',
    resources: [],
    redirect_uri: 'https://a.example/cb',
    code_challenge: 'x',
    nonce: undefined,
    auth_time: now,
    expires: now + 60_000,
    used: undefined,
    ...wish,
  }
}

function pushedRequest(wish: { client_id: string; digest: string; expires?: number }) {
  return { parameters: '{"scope":"openid"}', expires: now + 60_000, ...wish }
}

function session(wish: { digest: string; account_id: string; expires?: number }) {
  return { auth_time: now, expires: now + 60_000, ...wish }
}

/** One copy for each field that is text, with `text` in that field. */
function every<T extends object>(row: T, text: string): T[] {
  return Object.entries(row)
    .filter(([, value]) => typeof value === 'string' || value === undefined)
    .map(([name]) => ({ ...row, [name]: text }))
    .filter((copy) => !('revoked' in copy && typeof copy.revoked === 'string'))
}

let count = 0
function unique(what: string): string {
  return `${what}-${++count}-${createHash('sha256').update(String(count)).digest('base64url')}`
}

/** Not compressible, so that no engine makes it small. */
function randomText(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length)
}

/** Waits for what another process must come to know, without a fixed pause. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 1000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('It did not happen within a second.')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Waits until no change of before is still on its way: none has come for longer than news takes. */
async function settled(store: Store): Promise<void> {
  let before = await store.version()
  let quietSince = performance.now()
  while (performance.now() - quietSince < 400) {
    await new Promise((resolve) => setImmediate(resolve))
    const version = await store.version()
    if (version !== before) quietSince = performance.now()
    before = version
  }
}
