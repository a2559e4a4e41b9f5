/** Attacks on a grant: who may ask, for what, how often, and what a wrong decision must not do. */
import { OAuthError } from '../error/oauth-error'
import { type Case, onGround, type Tried } from './cases'
import { thumbprintOf } from './certificates'
import type { Ground } from './ground'
import { must, mustDeny, mustFail, mustGive, mustRefuse, told } from './must'
import type { GrantTest } from './options'
import { faults, replacing, silences, vandal } from './wrap'

export function grantCases(tried: Tried, grant: GrantTest): Case[] {
  return [
    givesForGood(tried),
    asksForParameters(tried, grant),
    ...(grant.anyClient ? [] : [refusesOthersThings(tried, grant)]),
    closedToOthers(tried, grant),
    ...(tried.test.clientAuth ? [] : [neverAskedByStrangers(tried)]),
    refusesGarbage(tried, grant),
    grantsNoMore(tried),
    ...(grant.grant_type === 'refresh_token' ? [] : [refreshForThoseWhoListIt(tried, grant)]),
    ...(grant.singleUse ? [usedOnce(tried)] : []),
    ...wrongDecisions(tried),
    ...Object.entries(silences).map(([what, fault]) => endsInTime(tried, what, fault)),
    cantSetRegisteredClaims(tried),
    unharmedByOthers(tried),
    storeFailureGivesNothing(tried),
  ]
}

const token = '/oauth2/token'

function givesForGood(tried: Tried): Case {
  return onGround(tried, 'gives a bound token for good parameters', async (ground) => {
    for (const client of [ground.a, ground.b]) {
      const claims = mustGive(await ground.post(token, await ground.good(client)), client.client_id)
      must(claims.client_id === client.client_id, `the token is of ${String(claims.client_id)}`)
      must(typeof claims.sub === 'string' && claims.sub !== '', 'the token has no subject')
      const bound = claims.cnf?.['x5t#S256']
      must(bound === thumbprintOf(client.certificate), 'the token is not bound to its certificate')
    }
  })
}

function asksForParameters(tried: Tried, grant: GrantTest): Case {
  return onGround(tried, 'refuses a request in which a parameter is missing', async (ground) => {
    for (const name of Object.keys(await grant.parameters(ground.a))) {
      const { form, ...how } = await ground.good(ground.a)
      const { [name]: _, ...less } = form
      mustDeny(await ground.post(token, { ...how, form: less }), `${name} missing`)
    }
    mustGive(await ground.post(token, await ground.good(ground.a)), 'the next good request')
  })
}

function refusesOthersThings(tried: Tried, grant: GrantTest): Case {
  const name = 'refuses what was meant for another client, and leaves it good for that one'
  return onGround(tried, name, async (ground) => {
    const { a, b } = ground
    const ofB = await grant.parameters(b)
    const stolen = await ground.good(a)
    const form = { ...stolen.form, ...ofB }
    mustDeny(await ground.post(token, { ...stolen, form }), 'the parameters of b', 'invalid_grant')
    const own = await ground.good(b)
    mustGive(await ground.post(token, { ...own, form: { ...own.form, ...ofB } }), 'b itself, then')
  })
}

function closedToOthers(tried: Tried, grant: GrantTest): Case {
  return onGround(
    tried,
    'is closed to a client that does not list it',
    async (ground) => {
      const { form, ...how } = await ground.signed(ground.a)
      const { grant_type } = grant
      const asked = { ...form, grant_type, ...(await grant.parameters(ground.b)) }
      const answer = await ground.post(token, { ...how, form: asked })
      mustDeny(answer, 'a client that does not list it', 'unauthorized_client')
    },
    { a: { grant_types: ['urn:plugin-testing:none'] } },
  )
}

/** Whatever it would cost or tell, nobody causes it who was not believed first. */
function neverAskedByStrangers(tried: Tried): Case {
  let asked = 0
  const counting = replacing(tried.plugin, 'grant', 'decide', (own) => (...args) => {
    asked += 1
    return own(...args)
  })
  return onGround(
    tried,
    'is never asked for a client that was not believed',
    async (ground) => {
      const good = await ground.good(ground.a)
      asked = 0
      const wrong = { ...good, form: { ...good.form, client_secret: 'wrong' } }
      mustRefuse(await ground.post(token, wrong), 'a wrong secret')
      mustRefuse(await ground.post(token, { ...good, certificate: undefined }), 'no certificate')
      must(asked === 0, 'it was asked')
    },
    { plugin: counting },
  )
}

const garbage = [
  ...['x', '%', '{}', '[]', '-1', '__proto__', 'ey.ey.ey', '\u{1f511}', 'A'.repeat(500)],
]

function refusesGarbage(tried: Tried, grant: GrantTest): Case {
  return onGround(tried, 'refuses garbage without failing over it', async (ground) => {
    for (const name of Object.keys(await grant.parameters(ground.a))) {
      for (const value of garbage) {
        const { form, ...how } = await ground.good(ground.a)
        const answer = await ground.post(token, { ...how, form: { ...form, [name]: value } })
        mustDeny(answer, `${name} is ${JSON.stringify(value.slice(0, 20))}`)
      }
    }
    const [failure] = ground.failures()
    must(failure === undefined, `it throws: ${JSON.stringify(failure)}`)
  })
}

function grantsNoMore(tried: Tried): Case {
  return onGround(tried, 'grants no scope that it did not decide', async (ground) => {
    const { form, ...how } = await ground.good(ground.a)
    const more = { ...form, scope: 'plugin-testing:everything' }
    mustDeny(await ground.post(token, { ...how, form: more }), 'more scope', 'invalid_scope')
  })
}

function refreshForThoseWhoListIt(tried: Tried, { grant_type, client }: GrantTest): Case {
  const others = client?.grant_types?.filter((one) => one !== 'refresh_token') ?? []
  return onGround(
    tried,
    'gives no refresh token to a client that does not list refresh_token',
    async (ground) => {
      const answer = await ground.post(token, await ground.good(ground.a))
      mustGive(answer, 'a good request')
      must(!('refresh_token' in answer.body), 'it was given one')
    },
    { a: { grant_types: [...new Set([grant_type, ...others])] } },
  )
}

function usedOnce(tried: Tried): Case {
  return onGround(
    tried,
    'uses its parameters up once, also when several come at once',
    async (ground) => {
      const used = await ground.good(ground.a)
      mustGive(await ground.post(token, used), 'the first time')
      mustDeny(await ground.post(token, used), 'the second time', 'invalid_grant')

      const once = await ground.good(ground.a)
      const answers = await Promise.all(Array.from({ length: 8 }, () => ground.post(token, once)))
      const won = answers.filter(({ status }) => status === 200).length
      must(won === 1, `of 8 at the same time ${won} got a token`)
    },
  )
}

const wrong: Readonly<Record<string, () => unknown>> = {
  ...faults,
  'decides for nobody': () => ({ sub: '' }),
  'decides for a number': () => ({ sub: 7 }),
  'decides a misspelt scope': () => ({ sub: 'somebody', scopes: 'read' }),
  'decides a scope that is none': () => ({ sub: 'somebody', scope: ['read'] }),
  'decides resources that are none': () => ({ sub: 'somebody', resources: 'https://api' }),
  'decides refreshable by a word': () => ({ sub: 'somebody', refreshable: 'no' }),
  'decides claims that are none': () => ({ sub: 'somebody', claims: 'admin' }),
  'decides claims that can’t be written': () => ({ sub: 'somebody', claims: { much: 1n } }),
  'uses up what nobody knows': () => ({ sub: 'somebody', consumes: {} }),
  'uses up a token of its own making': () => ({
    sub: 'somebody',
    consumes: { refresh_token: 'mine' },
  }),
}

function wrongDecisions(tried: Tried): Case[] {
  return Object.entries(wrong).map(([what, fault]) => {
    const state = { broken: true }
    const broken = replacing(
      tried.plugin,
      'grant',
      'decide',
      (own) =>
        (...args) =>
          state.broken ? fault() : own(...args),
    )
    return onGround(
      tried,
      `gives nothing when it ${what}`,
      async (ground) => {
        const good = await ground.good(ground.a)
        const before = await written(ground)
        state.broken = true
        mustFail(await ground.post(token, good), what)
        must(ground.failures().length > 0, 'the operator is not told')
        must((await written(ground)) === before, 'something was stored')
        state.broken = false
        mustGive(await ground.post(token, await ground.good(ground.a)), 'the next good request')
      },
      { plugin: broken },
    )
  })
}

async function written({ store }: Ground): Promise<string> {
  const { grant, refresh_token } = (await store.status()).counts
  return `${grant} ${refresh_token}`
}

function endsInTime(tried: Tried, what: string, fault: () => unknown): Case {
  return onGround(
    tried,
    `gives nothing, and ends in time, when it ${what}`,
    async (ground) => mustFail(await ground.post(token, await ground.good(ground.a)), what),
    { plugin: replacing(tried.plugin, 'grant', 'decide', () => fault), handlerTimeout: 0.3 },
  )
}

/** What only the server may say of a token. */
export const registered = {
  iss: 'https://evil.example',
  aud: 'https://evil.example',
  client_id: 'client-b',
  exp: 9_999_999_999,
  iat: 0,
  jti: 'mine',
  cnf: { 'x5t#S256': 'mine' },
  scope: 'plugin-testing:everything',
}

function cantSetRegisteredClaims(tried: Tried): Case {
  const evil = replacing(tried.plugin, 'grant', 'decide', (own) => async (...args) => {
    const decision = (await own(...args)) as { claims?: object }
    return { ...decision, claims: { ...decision.claims, ...registered, sub: 'evil', mine: 'kept' } }
  })
  return onGround(
    tried,
    'can’t set the claims that are the server’s',
    async (ground) => {
      const claims = mustGive(await ground.post(token, await ground.good(ground.a)), 'evil claims')
      must(claims.iss === ground.url, `iss is ${String(claims.iss)}`)
      must(claims.mine === 'kept', 'a claim of its own is lost')
      for (const [name, value] of Object.entries({ ...registered, sub: 'evil' })) {
        must(JSON.stringify(claims[name]) !== JSON.stringify(value), `it set ${name}`)
      }
    },
    { plugin: evil },
  )
}

function unharmedByOthers(tried: Tried): Case {
  return onGround(
    tried,
    'sees a clean request, whatever another handler did to it before',
    async (ground) => {
      mustGive(await ground.post(token, await ground.good(ground.a)), 'behind a vandal')
      const [failure] = ground.failures()
      must(failure === undefined, `it failed: ${JSON.stringify(failure)}`)
    },
    { more: [vandal] },
  )
}

function storeFailureGivesNothing(tried: Tried): Case {
  return onGround(
    tried,
    'ends in 503 where the store can’t use up or keep what it decided',
    async (ground) => {
      const good = await ground.good(ground.a)
      let asked = 0
      const fail = async () => {
        asked += 1
        throw new OAuthError('temporarily_unavailable', { reason: 'store_failed' })
      }
      const failing = { seen: fail, findRefreshToken: fail, findCode: fail, findAccount: fail }
      Object.assign(ground.store, failing, { commitIssue: fail })
      const answer = await ground.post(token, good)
      if (asked > 0) mustFail(answer, 'with a store that fails')
      else must(answer.status === 200, `without asking the store: ${told(answer)}`)
    },
  )
}
