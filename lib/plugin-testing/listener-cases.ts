/** Attacks on a listener: it hears everything, changes nothing but claims, and holds nobody up. */
import { type Case, onGround, type Tried } from './cases'
import { registered } from './grant-cases'
import type { Ground } from './ground'
import { must, mustDeny, mustFail, mustGive } from './must'
import { faults, replacing, silences, thenable, vandal, wrap } from './wrap'

export function listenerCases(tried: Tried): Case[] {
  return [
    hearsEverything(tried),
    ...Object.entries(changesNothing).map(([what, fault]) => harmless(tried, what, fault)),
    ...Object.entries(noClaims).map(([what, fault]) => noToken(tried, what, fault)),
    ...Object.entries(silences).map(([what, fault]) => noTokenInTime(tried, what, fault)),
    cantSetRegisteredClaims(tried),
    unharmedByOthers(tried),
    sameInEveryPlace(tried),
  ]
}

const token = '/oauth2/token'

/** Everything that happens to a server, one after the other, with answers as they must be. */
async function liveThrough(ground: Ground): Promise<void> {
  const { a, post } = ground
  await ground.server.started()
  const first = await post(token, await ground.good(a))
  mustGive(first, 'a good request')
  const wrong = await ground.good(a)
  mustDeny(await post(token, { ...wrong, form: { ...wrong.form, client_id: 'nobody' } }), 'nobody')
  const { form, ...how } = await ground.good(a)
  mustDeny(
    await post(token, { ...how, form: { ...form, grant_type: 'urn:none' } }),
    'no such grant',
  )
  const signed = await ground.signed(a)
  const revoked = { ...signed.form, token: String(first.body.access_token) }
  const answer = await post('/oauth2/revoke', { ...signed, form: revoked })
  must(answer.status === 200, `revoking a token: ${answer.status}`)
  await ground.server.reload()
}

function hearsEverything(tried: Tried): Case {
  const { plugin, test } = tried
  return {
    name: 'hears all that happens, from start to stop, without failing',
    async run() {
      let failures: readonly unknown[] = []
      await onGround({ plugin, test }, '', async (ground) => {
        failures = ground.events
        await liveThrough(ground)
      }).run()
      failures = failures.filter((event) => /\.failed"/.test(JSON.stringify(event)))
      must(failures.length === 0, `it failed: ${JSON.stringify(failures[0])}`)
    },
  }
}

const changesNothing: Readonly<Record<string, () => unknown>> = {
  ...faults,
  ...silences,
  'throws later': async () => {
    await null
    throw new Error('out of order')
  },
  'answers another library’s promise that fails': () =>
    thenable(() => {
      throw new Error('out of order')
    }),
}

/** In place of all that it hears, but for `beforeIssue`, which may say something. */
function harmless(tried: Tried, what: string, fault: () => unknown): Case {
  const events = [
    'issued',
    'rejected',
    'revoked',
    'reuseDetected',
    'reloaded',
    'started',
    'stopped',
  ]
  const broken = wrap(tried.plugin, (contribution) => ({
    ...contribution,
    listener: {
      ...contribution.listener,
      ...Object.fromEntries(events.map((event) => [event, fault])),
    },
  }))
  return onGround(tried, `changes no answer when it ${what}`, liveThrough, { plugin: broken })
}

const noClaims: Readonly<Record<string, () => unknown>> = {
  throws: faults.throws ?? (() => undefined),
  rejects: faults.rejects ?? (() => undefined),
  'adds a text': () => 'admin',
  'adds a list': () => ['admin'],
  'adds null': () => null,
  'adds true': () => true,
  'adds what can’t be written': () => ({ much: 1n }),
  'adds what refers to itself': () => {
    const round: Record<string, unknown> = {}
    round.round = round
    return round
  },
}

function noToken(tried: Tried, what: string, fault: () => unknown): Case {
  const state = { broken: true }
  const broken = replacing(
    tried.plugin,
    'listener',
    'beforeIssue',
    (own) =>
      (...args) =>
        state.broken ? fault() : own(...args),
  )
  return onGround(
    tried,
    `lets no token out when its beforeIssue ${what}`,
    async (ground) => {
      state.broken = true
      mustFail(await ground.post(token, await ground.good(ground.a)), what)
      must(ground.failures().length > 0, 'the operator is not told')
      state.broken = false
      mustGive(await ground.post(token, await ground.good(ground.a)), 'the next good request')
    },
    { plugin: broken },
  )
}

function noTokenInTime(tried: Tried, what: string, fault: () => unknown): Case {
  return onGround(
    tried,
    `lets no token out, and ends in time, when its beforeIssue ${what}`,
    async (ground) => mustFail(await ground.post(token, await ground.good(ground.a)), what),
    {
      plugin: replacing(tried.plugin, 'listener', 'beforeIssue', () => fault),
      handlerTimeout: 0.3,
    },
  )
}

function cantSetRegisteredClaims(tried: Tried): Case {
  const all = { ...registered, sub: 'evil' }
  const evil = replacing(tried.plugin, 'listener', 'beforeIssue', (own) => async (...args) => ({
    ...((await own(...args)) as object | undefined),
    ...all,
  }))
  return onGround(
    tried,
    'can’t set the claims that are the server’s',
    async (ground) => {
      const claims = mustGive(await ground.post(token, await ground.good(ground.a)), 'evil claims')
      for (const [name, value] of Object.entries(all)) {
        must(JSON.stringify(claims[name]) !== JSON.stringify(value), `it set ${name}`)
      }
    },
    { plugin: evil },
  )
}

function unharmedByOthers(tried: Tried): Case {
  const heard: string[] = []
  const watching = wrap(tried.plugin, (contribution) => ({
    ...contribution,
    listener: {
      ...contribution.listener,
      issued(event) {
        heard.push(JSON.stringify(event))
        return contribution.listener?.issued?.(event)
      },
    },
  }))
  return onGround(
    tried,
    'hears what happened, whatever another listener did to it before',
    async (ground) => {
      heard.length = 0
      mustGive(await ground.post(token, await ground.good(ground.a)), 'behind a vandal')
      must(heard.length === 1, `it heard of ${heard.length} tokens`)
      must(!String(heard).includes('spoilt'), 'it heard what another listener made of it')
    },
    { plugin: watching, more: [vandal] },
  )
}

/** Before all others and behind them, it adds the same to a token. */
function sameInEveryPlace({ plugin, test }: Tried): Case {
  return {
    name: 'adds the same to a token whatever its place among the others',
    async run() {
      const found: string[] = []
      for (const order of [1, 205, 99_999]) {
        await onGround(
          { plugin, test },
          '',
          async (ground) => {
            const claims = mustGive(
              await ground.post(token, await ground.good(ground.a)),
              'a token',
            )
            const { jti: _, iat: __, exp: ___, iss: ____, aud: _____, ...kept } = claims
            found.push(JSON.stringify(kept))
          },
          { order },
        ).run()
      }
      must(new Set(found).size === 1, `it adds: ${[...new Set(found)].join(' or ')}`)
    },
  }
}
