/** Each case finds the plugin that it is there to find. */
import { z } from 'zod'
import type { ClientAuth, Plugin } from '../../../lib/plugin'
import {
  accepted,
  definePlugin,
  type GrantHandler,
  type Listener,
  rejected,
} from '../../../lib/plugin'
import { type PluginTest, type TestClient, testPlugin } from '../../../lib/plugin-testing'

/** Runs the one case of that name. */
function only(plugin: Plugin, test: PluginTest, name: string): Promise<void> {
  const cases = new Map<string, () => Promise<void>>()
  testPlugin(plugin, test, (title, run) => cases.set(title.replace(`${plugin.name} `, ''), run))
  const run = cases.get(name)
  if (run === undefined) throw new Error(`There is no case "${name}": ${[...cases.keys()]}`)
  return run()
}

const good: ClientAuth = {
  recognise: ({ client_id }) => client_id,
  async authenticate({ client_secret, certificate }, client) {
    const secret = await client.judgeSecret(client_secret)
    return secret.accepted ? client.judgeCertificate(certificate) : secret
  },
}
const sign = ({ client_id, client_secret }: TestClient) => ({
  parameters: { client_id, client_secret },
})

const auth = (change: Partial<ClientAuth>) =>
  definePlugin({
    name: 'odd',
    setup: ({ log }) => ({
      clientAuth: {
        ...good,
        ...change,
        recognise(request) {
          if (change === chatty) log.info('seen', { form: JSON.stringify(request) })
          return (change.recognise ?? good.recognise)(request)
        },
      },
    }),
  })
const chatty: Partial<ClientAuth> = {}

describe('a client authentication method', () => {
  test('that is right passes them all', async () => {
    const report = await testPlugin(auth({}), { clientAuth: { sign } })
    expect(report.plugin).toBe('odd')
    expect(report.cases.length).toBeGreaterThan(30)
    expect(report.cases.every(({ passed }) => passed)).toBe(true)
  }, 60_000)

  const secretAlone: Partial<ClientAuth> = {
    authenticate: ({ client_secret }, client) => client.judgeSecret(client_secret),
  }
  const everybody: Partial<ClientAuth> = { authenticate: () => accepted() }
  const nobody: Partial<ClientAuth> = { authenticate: () => rejected('never') }
  const throwing: Partial<ClientAuth> = {
    authenticate(request, client) {
      if (!/^[\w-]{43}$/.test(request.client_secret ?? '')) throw new Error('malformed')
      return good.authenticate(request, client)
    },
  }

  test.each<[string, Partial<ClientAuth>, string, Partial<PluginTest['clientAuth']>]>([
    ['lets nobody in', nobody, 'lets a client in by a good request, again and again', {}],
    ['lets everybody in', everybody, 'refuses a client that shows nothing but its name', {}],
    ['looks at no secret', everybody, 'refuses one client’s proof under another’s name', {}],
    ['asks for no certificate', secretAlone, 'refuses a good request with no certificate', {}],
    [
      'takes any certificate',
      secretAlone,
      'refuses a good request with another client’s certificate',
      {},
    ],
    ['takes a stranger’s', secretAlone, 'refuses a good request with a stranger’s certificate', {}],
    [
      'checks nothing',
      everybody,
      'refuses a request in which any part of the proof is changed, missing or twice',
      { certificate: 'optional' },
    ],
    ['throws at garbage', throwing, 'refuses garbage without failing over it', {}],
    [
      'can be replayed',
      {},
      'lets a request in once, and once of several at the same time',
      { singleUse: true },
    ],
    ['writes secrets down', chatty, 'writes no part of a proof into the log', {}],
    [
      'asks for a certificate that it calls optional',
      {},
      'gives an unbound token where no certificate is shown',
      { certificate: 'optional' },
    ],
  ])('that %s is found', async (_what, change, name, how) => {
    const test = { clientAuth: { sign, ...how } }
    await expect(only(auth(change), test, name)).rejects.toThrow()
  })
})

describe('a grant', () => {
  const grant = (change: Partial<GrantHandler>) =>
    definePlugin({
      name: 'odd',
      setup: () => ({
        grant: {
          grant_type: 'urn:odd',
          parameters: ['ticket'],
          decide: ({ parameters }, { client_id }) =>
            parameters.ticket === `of ${client_id}`
              ? { sub: 'somebody' }
              : rejected('unknown_code'),
          ...change,
        },
      }),
    })
  const parameters = ({ client_id }: TestClient) => ({ ticket: `of ${client_id}` })

  test.each<[string, Partial<GrantHandler>, string, object]>([
    [
      'decides for nobody',
      { decide: () => ({ sub: '' }) },
      'gives a bound token for good parameters',
      {},
    ],
    [
      'asks for nothing',
      { parameters: [], decide: () => ({ sub: 'somebody' }) },
      'refuses a request in which a parameter is missing',
      {},
    ],
    [
      'asks not whose it is',
      { decide: () => ({ sub: 'somebody' }) },
      'refuses what was meant for another client, and leaves it good for that one',
      {},
    ],
    [
      'throws at garbage',
      {
        decide({ parameters }) {
          if (!parameters.ticket?.startsWith('of ')) throw new Error('malformed')
          return { sub: 'somebody' }
        },
      },
      'refuses garbage without failing over it',
      {},
    ],
    [
      'can be used again',
      {},
      'uses its parameters up once, also when several come at once',
      { singleUse: true },
    ],
    [
      'grants every scope',
      { decide: ({ parameters }) => ({ sub: 'somebody', scope: parameters.scope ?? 'read' }) },
      'grants no scope that it did not decide',
      {},
    ],
  ])('that %s is found', async (_what, change, name, how) => {
    const test = { grant: { grant_type: 'urn:odd', parameters, ...how } }
    await only(grant({}), test, name).catch((cause) => {
      // The right one passes, but for what it does not claim.
      if (!('singleUse' in how)) throw cause
    })
    await expect(only(grant(change), test, name)).rejects.toThrow()
  })
})

describe('a listener', () => {
  const listening = (listener: Listener) =>
    definePlugin({ name: 'odd', setup: () => ({ listener }) })
  const failing = () => {
    throw new Error('out of order')
  }

  test.each<[string, Listener, string]>([
    [
      'fails at the start',
      { started: failing },
      'hears all that happens, from start to stop, without failing',
    ],
    [
      'fails at the stop',
      { stopped: failing },
      'hears all that happens, from start to stop, without failing',
    ],
    [
      'fails at a refusal',
      { rejected: failing },
      'hears all that happens, from start to stop, without failing',
    ],
    [
      'adds what depends on chance',
      { beforeIssue: () => ({ chance: Math.random() }) },
      'adds the same to a token whatever its place among the others',
    ],
  ])('that %s is found', async (_what, listener, name) => {
    await expect(only(listening(listener), {}, name)).rejects.toThrow()
  })
})

describe('any plugin', () => {
  const setup = () => ({ listener: {} })

  test('that gives more than is tested is found', async () => {
    const both = definePlugin({ name: 'odd', setup: () => ({ clientAuth: good, listener: {} }) })
    const name = 'is set up, and tested in everything that it gives'
    await expect(only(both, {}, name)).rejects.toThrow('it gives a clientAuth too')
    await expect(only(both, { clientAuth: { sign } }, name)).rejects.toThrow('a listener too')
    await expect(only(both, { clientAuth: { sign }, listener: {} }, name)).resolves.toBeUndefined()
  })

  test('that takes a misspelt property is found', async () => {
    const name = 'refuses a property that there is not'
    const loose = definePlugin({ name: 'odd', properties: z.object({}), setup })
    await expect(only(loose, {}, name)).rejects.toThrow('make its schema strict')
    const strict = definePlugin({ name: 'odd', properties: z.strictObject({}), setup })
    await expect(only(strict, {}, name)).resolves.toBeUndefined()
  })

  test('that can’t be set up is told as it is', async () => {
    const broken = definePlugin({ name: 'odd', setup: () => Promise.reject(new Error('no disk')) })
    const failed = testPlugin(broken)
    await expect(failed).rejects.toThrow(
      /^odd: \d+ of \d+ cases do not hold:\n- it is set up, .*no disk/,
    )
    const { cause } = (await failed.catch((error: unknown) => error)) as Error
    expect(cause).toMatchObject({
      plugin: 'odd',
      cases: expect.arrayContaining([
        expect.objectContaining({ passed: false, problem: expect.stringContaining('no disk') }),
      ]),
    })
  })
})
