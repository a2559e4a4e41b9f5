import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler } from 'express'
import { Passport } from 'passport'
import { MtlsSecretStrategy, openTrust, serverOptions, type Verify } from '../../lib'
import { makeCertificate } from '../../lib/certificate/make'
import { exchange, openWorld } from '../support/world'

/** The strategy by itself: one of Passport's verbs, once, whatever the app's own registry does. */
async function openApp(strategy: MtlsSecretStrategy) {
  const passport = new Passport()
  passport.use(strategy)
  const app = express()
  app.post('/jobs', passport.authenticate('mtls-secret', { session: false }), (req, res) => {
    res.json(req.user)
  })
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    res.status(error.status ?? 500).json({ error: error.code ?? 'fault' })
  }
  app.use(onError)
  const world = await openWorld()
  const { key, cert } = world.certificates.server
  const trust = await openTrust(undefined)
  const https = createServer({ key, cert, ...serverOptions(app, { trust }) }, app)
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
  const { port } = https.address() as AddressInfo
  const post = (body: string, certificate = world.certificates.a, query = '') =>
    exchange(port, 'POST', `/jobs${query}`, Buffer.from(body), {
      certificate,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
  const close = async () => {
    https.closeAllConnections()
    await new Promise((resolve) => https.close(resolve))
    await world.close()
  }
  return { post, close }
}

const credentials = 'client_id=a&client_secret=b'
const cases: [string, Verify, number][] = [
  [
    'an object',
    ({ client_id, certificate }) => ({ client_id, seen: certificate?.thumbprint.length }),
    200,
  ],
  ['a promise of an object', async ({ client_id }) => ({ client_id }), 200],
  ['false', () => false, 401],
  ['undefined', () => undefined as never, 401],
  ['true', () => true as never, 401],
  ['a name', () => 'admin' as never, 401],
  [
    'a throw',
    () => {
      throw new Error('no database')
    },
    500,
  ],
  ['a rejection', () => Promise.reject(new Error('no database')), 500],
]

test.each(cases)('an own registry that answers %s', async (_what, verify, status) => {
  const app = await openApp(new MtlsSecretStrategy(verify))
  const answer = await app.post(credentials)
  expect(answer.status).toBe(status)
  if (status === 200) expect(answer.json.client_id).toBe('a')
  await app.close()
})

test('asks the own registry for nothing without both id and secret', async () => {
  const verify = jest.fn(() => ({ anybody: true }))
  const app = await openApp(new MtlsSecretStrategy(verify))
  for (const body of ['', 'client_id=a', 'client_secret=b', 'client_id=a&client_secret=']) {
    expect((await app.post(body)).status).toBe(401)
  }
  expect((await app.post('client_id=a&client_id=b&client_secret=c')).status).toBe(400)
  expect(verify).not.toHaveBeenCalled()
  await app.close()
})

test('asks the own registry for nothing with a secret in the query', async () => {
  const verify = jest.fn(() => ({ anybody: true }))
  const app = await openApp(new MtlsSecretStrategy(verify))
  expect((await app.post('', undefined, `?${credentials}`)).status).toBe(400)
  expect(verify).not.toHaveBeenCalled()
  await app.close()
})

test.each([
  ['has ended', { now: Date.now() - 400 * 86_400_000 }],
  ['has not begun', { now: Date.now() + 86_400_000 }],
  ['is a server’s', { now: Date.now(), server: true }],
])('asks the own registry for nothing with a certificate that %s', async (_, wish) => {
  const verify = jest.fn(() => ({ anybody: true }))
  const app = await openApp(new MtlsSecretStrategy(verify))
  const { certificatePem, keyPem } = makeCertificate({ name: 'x', ...wish })
  const answer = await app.post(credentials, { cert: certificatePem, key: keyPem })
  expect(answer.status).toBe(401)
  expect(verify).not.toHaveBeenCalled()
  await app.close()
})

test('lets in clients of the method mtls-secret alone unless told otherwise', async () => {
  const world = await openWorld({
    a: { token_endpoint_auth_method: 'client_secret_post' },
    event_listener: [
      {
        id: 'post',
        name: 'client_secret_post',
        type: 'client-auth',
        order: 90,
        enable: true,
        properties: {},
      },
    ],
  })
  const statuses = async (methods?: readonly string[] | 'enabled') => {
    const app = await openApp(new MtlsSecretStrategy(world.server, methods ? { methods } : {}))
    const asForm = ({ client_id, client_secret }: typeof world.a) =>
      new URLSearchParams({ client_id, client_secret }).toString()
    const answers = [
      await app.post(asForm(world.a), world.a.certificate),
      await app.post(asForm(world.b), world.b.certificate),
      await app.post(asForm(world.b), world.a.certificate),
    ]
    await app.close()
    return answers.map(({ status }) => status)
  }
  expect(await statuses()).toEqual([401, 200, 401])
  expect(await statuses(['client_secret_post'])).toEqual([200, 401, 401])
  expect(await statuses('enabled')).toEqual([200, 200, 401])
  await world.close()
})
