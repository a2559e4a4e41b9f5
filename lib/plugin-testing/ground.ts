/**
 * The ground on which a plugin is tried: a real TLS server on loopback with an authorization server
 * over a store in memory, and two clients, so that the one's things can be tried as the other's.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import { standardPlugins } from '../../plugins'
import { openTrust } from '../certificate/trust'
import type { NewClient } from '../client/new-client'
import { parseSettings } from '../config/load-settings'
import { type AuthorizationServer, createAuthorizationServer } from '../create-authorization-server'
import type { AnyPlugin } from '../plugin/chain'
import type { Facts } from '../plugin/plugin'
import { serverOptions } from '../service/server-options'
import { memoryStore } from '../store/memory'
import { testCertificates } from './certificates'
import { goodRequest, type Request, registerClient, signedRequest } from './clients'
import type { Answer, PluginTest, TestClient, TestServer } from './options'
import { type Sending, send } from './send'

export interface Ground extends TestServer {
  readonly a: TestClient
  readonly b: TestClient
  /** Every event so far, as the operator would read it. */
  readonly events: readonly Event[]
  post(path: string, sending: Sending): Promise<Answer>
  /** A good request of the plugin's kind. */
  good(client: TestClient): Promise<Request>
  /** The client's own proof and certificate alone. */
  signed(client: TestClient): Promise<Request>
  /** What was logged of handlers and listeners that failed. */
  failures(): readonly Event[]
  close(): Promise<void>
}

export type Event = Facts & { event: string; level: 'info' | 'warn' | 'error' }

export interface GroundWish {
  /** In the plugin's place, one that wraps it. */
  plugin?: AnyPlugin
  /** More plugins, with an order of their own. */
  more?: readonly AnyPlugin[]
  /** The plugin's place in the chain; its own, or behind all others. */
  order?: number
  /** More entries of the chain. */
  entries?: readonly { name: string; order: number }[]
  /** The plugin is there, and off. */
  off?: boolean
  /** Seconds. */
  handlerTimeout?: number
  a?: Partial<NewClient>
}

/** Behind everything that has a place by default. */
export const usualOrder = 950

export async function openGround(
  plugin: AnyPlugin,
  test: PluginTest,
  wish: GroundWish = {},
): Promise<Ground> {
  const closers: (() => unknown)[] = []
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one()
  }
  try {
    const ground = await open(plugin, test, wish, closers)
    await test.prepare?.(ground)
    return { ...ground, close }
  } catch (cause) {
    await close()
    throw cause
  }
}

/** Whatever it opens it puts on `closers`. */
async function open(
  plugin: AnyPlugin,
  test: PluginTest,
  wish: GroundWish,
  closers: (() => unknown)[],
): Promise<Omit<Ground, 'close'>> {
  const events: Event[] = []
  const store = memoryStore()
  const truststore = test.truststore ? writeTruststore() : undefined
  if (truststore !== undefined) closers.push(() => rmSync(truststore, { recursive: true }))
  const server = await openServer(plugin, test, { ...wish, truststore }, store, events)
  closers.push(server.close)
  const https = await listen(server)
  closers.push(
    () => https.close(),
    () => https.closeAllConnections(),
  )
  const url = `https://localhost:${(https.address() as AddressInfo).port}`
  server.listensAt(url)

  const testServer = { url, token_endpoint: `${url}/oauth2/token`, server, store }
  const register = (name: 'a' | 'b', more: Partial<NewClient> = {}) =>
    registerClient(name, plugin, test, more, testServer)
  return {
    ...testServer,
    a: await register('a', wish.a),
    b: await register('b'),
    events,
    post: (path, sending) => send(url, path, sending),
    good: (client) => goodRequest(client, test),
    signed: (client) => signedRequest(client, test),
    failures: () => events.filter(({ event }) => /^(handler|listener)\.failed$/.test(event)),
  }
}

async function openServer(
  plugin: AnyPlugin,
  test: PluginTest,
  wish: GroundWish & { truststore: string | undefined },
  store: TestServer['store'],
  events: Event[],
): Promise<AuthorizationServer> {
  const noteAt =
    (level: Event['level']) =>
    (event: string, facts: Facts = {}) => {
      events.push({ event, level, ...facts })
    }
  const used = wish.plugin ?? plugin
  const others = [...standardPlugins, ...(test.beside ?? []), ...(wish.more ?? [])]
  const { server } = parseSettings('', 'deployment.toml')
  const limits = { ...server.limits, handler_timeout: wish.handlerTimeout ?? 10 }
  return createAuthorizationServer({
    store,
    plugins: [...others.filter(({ name }) => name !== used.name), used],
    event_listener: [
      {
        ...entryOf(used.name, wish.order ?? used.order ?? usualOrder, test.properties),
        enable: wish.off !== true,
      },
      ...(wish.entries ?? []).map(({ name, order }) => entryOf(name, order)),
    ],
    server: { ...server, limits },
    // Refusals come by the hundred here.
    throttle: { failures: 1_000_000, window: 60 },
    log: { info: noteAt('info'), warn: noteAt('warn'), error: noteAt('error') },
    ...(wish.truststore && { trust: await openTrust({ file_name: inFolder(wish.truststore) }) }),
  })
}

/** A folder with the CA; it stays until the end, since a reload reads it again. */
function writeTruststore(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plugin-testing-'))
  writeFileSync(inFolder(folder), testCertificates().ca)
  return folder
}

const inFolder = (folder: string) => join(folder, 'truststore.pem')

function entryOf(name: string, order: number, properties: Record<string, unknown> = {}) {
  const type = 'org.wso2.carbon.identity.core.handler.AbstractIdentityHandler'
  return { id: name, name, type, order, enable: true, properties }
}

async function listen(server: AuthorizationServer) {
  const app = express()
  app.use(server.router)
  const { key, cert } = testCertificates().server
  const https = createServer({ key, cert, ...serverOptions(app, { trust: server.trust }) }, app)
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
  return https
}
