/** docs/growth.md says what each request writes: it is counted here, and the page must say the same. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { memoryStore, type Store } from '../../lib/store'
import type { Issue } from '../../lib/token/token-store'
import {
  alice,
  authorizationOf,
  authorizePath,
  newCode,
  openBrowser,
  openPeopleWorld,
  redeem,
} from '../support/browser'
import { oauthSettings } from '../support/oauth-settings'
import type { World } from '../support/world'

const text = readFileSync(join(__dirname, '..', '..', 'docs/growth.md'), 'utf8')

let transactions = 0
let rows = 0

/** A store that counts what would be written durably; a change of several rows is one transaction. */
function counting(store: Store): Store {
  const note = (changed: number) => {
    if (changed === 0) return
    transactions += 1
    rows += changed
  }
  const single = [
    'insertCode',
    'insertPushedRequest',
    'takePushedRequest',
    'seen',
    'revokeGrant',
    'countFailure',
    'insertSession',
    'deleteSession',
    'insertClient',
    'changeClient',
  ] as const
  const counted = Object.fromEntries(
    single.map((name) => [
      name,
      (...given: unknown[]) => {
        note(1)
        return (store[name] as (...given: unknown[]) => unknown)(...given)
      },
    ]),
  )
  return {
    ...store,
    ...counted,
    commitIssue(issue: Issue) {
      note([issue.consumes, issue.grant, issue.refresh_token].filter(Boolean).length)
      return store.commitIssue(issue)
    },
  }
}

let world: World
const open = async (renew_refresh_token = true) => {
  world = await openPeopleWorld({
    store: counting(memoryStore()),
    oauth: oauthSettings({ token_renewal: { renew_refresh_token } }),
    throttle: { failures: 1, window: 60 },
    a: {
      grant_types: ['client_credentials', 'password', 'authorization_code', 'refresh_token'],
    },
  })
}
afterEach(() => world.close())

async function costs(what: string, ask: () => Promise<{ status: number }>, status = 200) {
  transactions = 0
  rows = 0
  expect((await ask()).status).toBe(status)
  expect(text).toContain(`| ${what} | ${transactions} | ${rows} |`)
}

const form = (fields: Record<string, string>) => ({
  client_id: world.a.client_id,
  client_secret: world.a.client_secret,
  ...fields,
})
const post = (path: string, fields: Record<string, string>) =>
  world.post(path, form(fields), { certificate: world.a.certificate })

test('what tokens cost', async () => {
  await open()
  await costs('`client_credentials`', () => world.token(world.a))
  const password = { grant_type: 'password', ...alice }
  await costs('`password`, with a refresh token', () => world.token(world.a, password))
  const { json } = await world.token(world.a, password)
  const renew = { grant_type: 'refresh_token', refresh_token: json.refresh_token }
  await costs('`refresh_token`, rotated', () => world.token(world.a, renew))
  const code = await newCode(world)
  await costs('`authorization_code`, redeemed', () => world.token(world.a, redeem(code)))
})

test('what a refresh token costs that is kept', async () => {
  await open(false)
  const { json } = await world.token(world.a, { grant_type: 'password', ...alice })
  const renew = { grant_type: 'refresh_token', refresh_token: json.refresh_token }
  await costs('`refresh_token`, with `renew_refresh_token = false`', () =>
    world.token(world.a, renew),
  )
})

test('what asking and ending costs', async () => {
  await open()
  const { json } = await world.token(world.a)
  const certificate = world.a.certificate
  const headers = { authorization: `Bearer ${json.access_token}` }
  await costs('a resource route (`requireToken`)', () => world.get('/me', { certificate, headers }))
  await costs('introspection', () => post('/oauth2/introspect', { token: json.access_token }))
  await costs('revocation', () => post('/oauth2/revoke', { token: json.access_token }))
})

test('what a login costs', async () => {
  await open()
  const asked = authorizationOf(world.a)
  await costs('a pushed authorization request', () => post('/oauth2/par', asked), 201)
  const browser = openBrowser(world)
  const login = await browser.visit(authorizePath(asked))
  // The session of the cookie before, if there was one, and the new one.
  await costs('a login in a browser', () => browser.send(login, alice))
  const again = await browser.visit(authorizePath(asked))
  await costs('consent, which brings a code', () => browser.send(again, { decision: 'allow' }), 303)
})

test('what failures cost', async () => {
  await open()
  const wrong = { client_secret: 'wrong' }
  await costs('a failed client authentication', () => world.token(world.a, wrong), 401)
  await costs('… once it is throttled', () => world.token(world.a, wrong), 429)
})
