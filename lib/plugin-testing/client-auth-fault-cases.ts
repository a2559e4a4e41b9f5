/** What a broken or careless handler does, in this plugin's place: nobody may get in by it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { OAuthError } from '../error/oauth-error'
import { type Case, onGround, type Tried } from './cases'
import type { Ground } from './ground'
import { must, mustFail, mustGive, mustRefuse } from './must'
import type { ClientAuthTest } from './options'
import { faults, replacing, silences, thenable, vandal } from './wrap'

export function clientAuthFaultCases(tried: Tried, auth: ClientAuthTest): Case[] {
  return [
    ...Object.entries(faults).map(([what, fault]) => refusesFault(tried, what, fault)),
    ...Object.entries(silences).map(([what, fault]) => refusesSilence(tried, what, fault)),
    refusesLateAnswer(tried),
    ...recogniseFaults(tried),
    unharmedByOthers(tried),
    oneVerdictInEveryOrder(tried, auth),
    refusedOnceGone(tried),
    storeFailureIsNoAnswer(tried),
  ]
}

const token = '/oauth2/token'

/** A switch, so that the same server is seen whole again afterwards. */
function faulty({ plugin }: Tried, name: string, fault: (own: () => unknown) => unknown) {
  const state = { broken: true, reached: () => {} }
  const broken = replacing(plugin, 'clientAuth', name, (own) => (...args) => {
    const ask = () => own(...args)
    if (!state.broken) return ask()
    state.reached()
    return fault(ask)
  })
  return { state, broken }
}

function refusesFault(tried: Tried, what: string, fault: () => unknown): Case {
  const { state, broken } = faulty(tried, 'authenticate', fault)
  const name = `lets nobody in when its authenticate ${what}`
  return onGround(
    tried,
    name,
    async (ground) => {
      state.broken = true
      mustRefuse(await ground.post(token, await ground.good(ground.a)), what)
      must(ground.failures().length > 0, 'the operator is not told')
      state.broken = false
      mustGive(await ground.post(token, await ground.good(ground.a)), 'the next good request')
    },
    { plugin: broken },
  )
}

function refusesSilence(tried: Tried, what: string, fault: () => unknown): Case {
  const { state, broken } = faulty(tried, 'authenticate', fault)
  return onGround(
    tried,
    `lets nobody in, and ends in time, when its authenticate ${what}`,
    async (ground) => {
      state.broken = true
      const good = await ground.good(ground.a)
      const reached = new Promise<void>((resolve) => {
        state.reached = resolve
      })
      const waiting = ground.post(token, good)
      await reached
      state.broken = false
      mustGive(await ground.post(token, await ground.good(ground.b)), 'another client meanwhile')
      mustRefuse(await waiting, what)
    },
    { plugin: broken, handlerTimeout: 1 },
  )
}

function refusesLateAnswer(tried: Tried): Case {
  const { state, broken } = faulty(tried, 'authenticate', async (own) => {
    const start = performance.now()
    // Timers of a busy process may fire early.
    while (performance.now() < start + 900) await sleep(100)
    return own()
  })
  return onGround(
    tried,
    'lets nobody in by a verdict that comes too late',
    async (ground) => {
      state.broken = true
      mustRefuse(await ground.post(token, await ground.good(ground.a)), 'a late verdict')
      await sleep(1000)
      must(
        !ground.events.some(({ event }) => event === 'token.issued'),
        'a token was issued after the refusal',
      )
    },
    { plugin: broken, handlerTimeout: 0.3 },
  )
}

function recogniseFaults(tried: Tried): Case[] {
  const odd: Record<string, () => unknown> = {
    ...faults,
    'answers a promise of a client_id': async () => 'client-a',
    'answers a promise that fails later': () => sleep(10).then(faults.throws),
    'answers another library’s promise': () => thenable((resolve) => resolve('client-a')),
    'answers an object': () => ({ client_id: 'client-a', toString: () => 'client-a' }),
    'answers a list': () => ['client-a'],
  }
  return Object.entries(odd).map(([what, fault]) => {
    const { state, broken } = faulty(tried, 'recognise', fault)
    return onGround(
      tried,
      `lets nobody in when its recognise ${what}`,
      async (ground) => {
        state.broken = true
        mustRefuse(await ground.post(token, await ground.good(ground.a)), what)
        await sleep(20)
        state.broken = false
        mustGive(await ground.post(token, await ground.good(ground.a)), 'the next good request')
      },
      { plugin: broken },
    )
  })
}

function unharmedByOthers(tried: Tried): Case {
  const name = 'sees a clean request, whatever another handler did to it before'
  return onGround(
    tried,
    name,
    async (ground) => {
      const claims = mustGive(
        await ground.post(token, await ground.good(ground.a)),
        'behind a vandal',
      )
      must(claims.client_id === ground.a.client_id, `the token is of ${String(claims.client_id)}`)
      const failed = ground.failures()
      must(failed.length === 0, `it failed: ${JSON.stringify(failed[0])}`)
    },
    { more: [vandal] },
  )
}

/** The order says who speaks first, never what must be shown. */
function oneVerdictInEveryOrder(tried: Tried, auth: ClientAuthTest): Case {
  const { plugin, test } = tried
  return {
    name: 'gives one verdict whatever its place among the others',
    async run() {
      const others = ['mtls-secret', 'client_secret_basic', 'client_secret_post'].filter(
        (name) => name !== plugin.name,
      )
      let first: string | undefined
      for (const order of permutations([plugin.name, ...others])) {
        const places = new Map(order.map((name, place) => [name, 10 + place]))
        const entries = others.map((name) => ({ name, order: places.get(name) ?? 0 }))
        const wish = { entries, order: places.get(plugin.name) ?? 0 }
        await onGround(
          { plugin, test },
          order.join(),
          async (ground) => {
            const found = await verdicts(ground, auth)
            first ??= found
            must(found === first, `in the order ${order.join(', ')}: ${found}, and else ${first}`)
          },
          wish,
        ).run()
      }
    },
  }
}

async function verdicts({ a, b, good, post }: Ground, auth: ClientAuthTest): Promise<string> {
  const mine = await good(a)
  const shapes = {
    good: mine,
    bare: { form: { grant_type: 'client_credentials', client_id: a.client_id } },
    'without certificate': { ...(await good(a)), certificate: undefined },
    'with another certificate': { ...(await good(a)), certificate: b.certificate },
    twice: mine,
  }
  if (auth.singleUse !== true) shapes.twice = await good(a)
  const found: string[] = []
  for (const [shape, sending] of Object.entries(shapes)) {
    const { status, body } = await post(token, sending)
    found.push(`${shape}: ${status} ${String(body.error ?? 'token')}`)
  }
  return found.join('; ')
}

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  )
}

function refusedOnceGone(tried: Tried): Case {
  return onGround(
    tried,
    'leaves its clients refused, not let in, where it is off',
    async (ground) => {
      mustRefuse(
        await ground.post(token, await ground.good(ground.a)),
        'a client of a method that is off',
      )
      const { unserved } = await ground.server.announce()
      must(unserved === 2, 'the operator is not told how many clients are left')
    },
    { off: true },
  )
}

/** Of a store that fails nobody knows anything: neither yes nor no. */
function storeFailureIsNoAnswer(tried: Tried): Case {
  return onGround(
    tried,
    'ends in 503 where what it asks the store is not answered',
    async (ground) => {
      let asked = 0
      const fail = async () => {
        asked += 1
        throw new OAuthError('temporarily_unavailable', { reason: 'store_failed' })
      }
      const good = await ground.good(ground.a)
      Object.assign(ground.store, {
        seen: fail,
        findRefreshToken: fail,
        findCode: fail,
        findAccount: fail,
      })
      const answer = await ground.post(token, good)
      if (asked > 0) mustFail(answer, 'with a store that fails')
      else mustGive(answer, 'without asking the store')
    },
  )
}
