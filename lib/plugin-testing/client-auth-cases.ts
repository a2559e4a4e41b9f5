/** Attacks on a client authentication method: whom it must let in, and everybody else. */
import { type Case, onGround, type Tried } from './cases'
import { testCertificates, thumbprintOf } from './certificates'
import type { Request } from './clients'
import type { Ground } from './ground'
import { must, mustDeny, mustGive, mustRefuse } from './must'
import type { ClientAuthTest } from './options'
import { otherMethod } from './wrap'

export function clientAuthCases(tried: Tried, auth: ClientAuthTest): Case[] {
  return [
    letsGoodIn(tried),
    answersAlike(tried),
    refusesNothingShown(tried),
    refusesProofOfAnother(tried),
    ...(auth.certificate === 'optional' ? bindsWhatIsShown(tried) : needsItsCertificate(tried)),
    refusesAnotherMethod(tried),
    refusesChanges(tried, auth),
    refusesGarbage(tried),
    ...(auth.singleUse ? [refusesReplay(tried)] : []),
    keepsSecrets(tried),
  ]
}

const token = '/oauth2/token'

function letsGoodIn(tried: Tried): Case {
  return onGround(tried, 'lets a client in by a good request, again and again', async (ground) => {
    for (const client of [ground.a, ground.b, ground.a]) {
      const claims = mustGive(await ground.post(token, await ground.good(client)), client.client_id)
      must(claims.client_id === client.client_id, `the token is of ${String(claims.client_id)}`)
      const bound = claims.cnf?.['x5t#S256']
      must(bound === thumbprintOf(client.certificate), 'the token is not bound to its certificate')
    }
  })
}

function answersAlike(tried: Tried): Case {
  const name = 'answers an unknown client, a disabled one and another’s proof alike'
  return onGround(tried, name, async (ground) => {
    const { clients } = ground.server
    const good = await ground.good(ground.b)
    await clients.disable(ground.b.client_id)
    mustRefuse(await ground.post(token, good), 'a disabled client')
    await clients.remove(ground.b.client_id)
    mustRefuse(await ground.post(token, await ground.good(ground.b)), 'an unknown client')
    const reasons = ground.events.filter(({ event }) => event === 'client.rejected')
    must(reasons.length === 2, 'the operator is not told of each refusal')
    mustGive(await ground.post(token, await ground.good(ground.a)), 'the next good request')
  })
}

function refusesNothingShown(tried: Tried): Case {
  return onGround(tried, 'refuses a client that shows nothing but its name', async (ground) => {
    const form = { grant_type: 'client_credentials', client_id: ground.a.client_id }
    mustRefuse(await ground.post(token, { form }), 'a bare client_id')
  })
}

/** Everything of the one, under the name of the other. */
function refusesProofOfAnother(tried: Tried): Case {
  return onGround(tried, 'refuses one client’s proof under another’s name', async (ground) => {
    const { a, b } = ground
    const good = await ground.good(b)
    const beside = { ...good, form: { ...good.form, client_id: a.client_id } }
    mustDeny(await ground.post(token, beside), 'the name of a beside the proof of b')

    const renamed = (fields: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(fields).map(([name, value]) => [
          name,
          value === b.client_id ? a.client_id : value,
        ]),
      )
    const { form, headers = {}, certificate } = await ground.good(b)
    const instead = { form: renamed(form), headers: renamed(headers), certificate }
    if (JSON.stringify(instead) === JSON.stringify({ form, headers, certificate })) return
    mustDeny(await ground.post(token, instead), 'the name of a in place of b’s')
  })
}

function needsItsCertificate(tried: Tried): Case[] {
  const others: [string, (ground: Ground) => Request['certificate']][] = [
    ['no certificate', () => undefined],
    ['another client’s certificate', ({ b }) => b.certificate],
    ['a stranger’s certificate', () => testCertificates().stranger],
  ]
  return others.map(([what, certificateOf]) =>
    onGround(tried, `refuses a good request with ${what}`, async (ground) => {
      const good = await ground.good(ground.a)
      const certificate = certificateOf(ground)
      mustRefuse(await ground.post(token, { ...good, certificate }), what)
      mustGive(await ground.post(token, await ground.good(ground.a)), 'the next good request')
    }),
  )
}

function bindsWhatIsShown(tried: Tried): Case[] {
  return [
    onGround(tried, 'binds the token to whichever certificate is shown', async (ground) => {
      const good = { ...(await ground.good(ground.a)), certificate: ground.b.certificate }
      const { cnf } = mustGive(await ground.post(token, good), 'with the certificate of b')
      const shown = thumbprintOf(ground.b.certificate)
      must(cnf?.['x5t#S256'] === shown, 'the token is not bound to the certificate shown')
    }),
    onGround(tried, 'gives an unbound token where no certificate is shown', async (ground) => {
      const good = { ...(await ground.good(ground.a)), certificate: undefined }
      const { cnf } = mustGive(await ground.post(token, good), 'without certificate')
      must(cnf === undefined, 'the token is bound to a certificate that was not shown')
    }),
  ]
}

function refusesAnotherMethod(tried: Tried): Case {
  return onGround(
    tried,
    'does not speak for a client of another method',
    async (ground) => {
      mustDeny(await ground.post(token, await ground.good(ground.a)), 'a client of another method')
    },
    { more: [otherMethod], a: { token_endpoint_auth_method: otherMethod.name } },
  )
}

function refusesChanges(tried: Tried, { unsigned = [] }: ClientAuthTest): Case {
  const name = 'refuses a request in which any part of the proof is changed, missing or twice'
  return onGround(tried, name, async (ground) => {
    const auth = await parts(tried, ground)
    for (const field of auth.filter((part) => !unsigned.includes(part.name))) {
      for (const [what, value] of [
        ['changed', changed(field.value)],
        ['missing', undefined],
      ] as const) {
        const answer = await ground.post(
          token,
          withField(await ground.good(ground.a), field, value),
        )
        mustDeny(answer, `${field.name} ${what}`)
      }
    }
    for (const { name, where } of auth.filter(({ where }) => where === 'form')) {
      const { form, ...how } = await ground.good(ground.a)
      const twice = [...Object.entries(form), [name, form[name] ?? ''] as const]
      mustDeny(await ground.post(token, { ...how, form: twice }), `${where} ${name} twice`)
    }
    mustGive(await ground.post(token, await ground.good(ground.a)), 'the next good request')
  })
}

const garbage = [
  ...['x', ' ', '%', '=', '{}', 'null', '[]', '-1', '__proto__', 'constructor', '.', '..', ':'],
  ...['Basic ', 'Bearer x', 'a.b.c', '\u00e4', 'a'.repeat(600), 'A'.repeat(8000)],
]

function refusesGarbage(tried: Tried): Case {
  return onGround(tried, 'refuses garbage without failing over it', async (ground) => {
    const auth = await parts(tried, ground)
    for (const field of auth) {
      for (const value of garbage) {
        const answer = await ground.post(
          token,
          withField(await ground.good(ground.a), field, value),
        )
        mustDeny(answer, `${field.name} is ${JSON.stringify(value.slice(0, 20))}`)
      }
    }
    const [failure] = ground.failures()
    must(failure === undefined, `it throws: ${JSON.stringify(failure)}`)
  })
}

function refusesReplay(tried: Tried): Case {
  const name = 'lets a request in once, and once of several at the same time'
  return onGround(tried, name, async (ground) => {
    const used = await ground.good(ground.a)
    mustGive(await ground.post(token, used), 'the first time')
    mustRefuse(await ground.post(token, used), 'the second time')

    const once = await ground.good(ground.a)
    const answers = await Promise.all(Array.from({ length: 8 }, () => ground.post(token, once)))
    const won = answers.filter(({ status }) => status === 200).length
    must(won === 1, `of 8 at the same time ${won} were let in`)
  })
}

function keepsSecrets(tried: Tried): Case {
  return onGround(tried, 'writes no part of a proof into the log', async (ground) => {
    const good = await ground.good(ground.a)
    await ground.post(token, good)
    await ground.post(token, { ...good, certificate: testCertificates().stranger })
    const log = JSON.stringify(ground.events)
    const { client_id } = ground.a
    for (const { name, value } of await parts(tried, ground, good)) {
      if (value === client_id || value.length < 8) continue
      must(!log.includes(value), `the log holds ${name}`)
    }
  })
}

interface Field {
  name: string
  value: string
  where: 'form' | 'header'
}

/** What of a good request is the proof, field by field. */
async function parts({ test }: Tried, ground: Ground, good?: Request): Promise<Field[]> {
  const { form, headers = {} } = good ?? (await ground.good(ground.a))
  const fields = Object.entries(form).map(
    ([name, value]): Field => ({ name, value, where: 'form' }),
  )
  const asked = new Set([
    'grant_type',
    ...Object.keys((await test.grant?.parameters(ground.a)) ?? {}),
  ])
  return [
    ...fields.filter(({ name }) => !asked.has(name)),
    ...Object.entries(headers).map(([name, value]): Field => ({ name, value, where: 'header' })),
  ]
}

function withField(good: Request, { name, where }: Field, value: string | undefined): Request {
  const change = (fields: Record<string, string>): Record<string, string> => {
    const { [name]: _, ...others } = fields
    return value === undefined ? others : { ...others, [name]: value }
  }
  return where === 'form'
    ? { ...good, form: change(good.form) }
    : { ...good, headers: change(good.headers ?? {}) }
}

/** Another value of the same kind: one character in its middle, where every bit counts. */
function changed(value: string): string {
  const middle = Math.floor(value.length / 2)
  const other = value[middle] === 'A' ? 'B' : 'A'
  return `${value.slice(0, middle)}${other}${value.slice(middle + 1)}`
}
