/**
 * What is measured, and the ratios to reach. Every scenario is one suite: its servers run side by
 * side, and only figures of one suite are divided by each other.
 */
import { ratioOf } from './ratios.mjs'

const floor = { name: 'floor', kind: 'floor' }
const product = { name: 'product', kind: 'product' }
const oidc = { name: 'oidc-provider', kind: 'oidc-provider' }

const keepAlive = { grant: 'client_credentials', connections: 32 }
const rotation = { grant: 'refresh_token', connections: 32 }

/** Issue 5: run by `npm run bench`. */
export const standardScenarios = [
  {
    name: 'keep-alive',
    title: 'Keep-alive, 32 connections, client_credentials, ES256',
    load: keepAlive,
    participants: [
      floor,
      product,
      oidc,
      { name: 'oauth2orize + passport', kind: 'oauth2orize' },
      { name: '@node-oauth/oauth2-server', kind: 'node-oauth' },
      { name: 'express + passport + jsonwebtoken', kind: 'express' },
    ],
    targets: [
      atLeast('keep-alive ES256: req/s ÷ floor', 0.8, rate('product', 'floor')),
      atLeast('keep-alive ES256: req/s ÷ oidc-provider', 2.6, rate('product', 'oidc-provider')),
      atLeast(
        'keep-alive ES256: req/s ÷ oauth2orize + passport',
        2.8,
        rate('product', 'oauth2orize + passport'),
      ),
      atMost('keep-alive ES256: p99 ÷ floor', 1.2, ratio('p99', 'product', 'floor')),
      atMost('peak RSS under load ÷ floor', 1.25, ratio('memory', 'product', 'floor')),
    ],
  },
  {
    name: 'one-connection',
    title: 'One connection, one request at a time, ES256',
    load: { grant: 'client_credentials', connections: 1 },
    participants: [floor, product, oidc],
    targets: [atMost('one connection: p99 ÷ floor', 1.8, ratio('p99', 'product', 'floor'))],
  },
  {
    name: 'rs256',
    title: 'Keep-alive, 32 connections, client_credentials, RS256',
    load: keepAlive,
    participants: [floor, product, oidc].map((each) => ({ ...each, alg: 'RS256' })),
    targets: [atLeast('keep-alive RS256: req/s ÷ floor', 0.95, rate('product', 'floor'))],
  },
  {
    name: 'fresh',
    title: 'A new connection for each request, 8 at a time, ES256 (floor: Node’s default TLS)',
    load: { grant: 'client_credentials', connections: 8, fresh: true },
    participants: [floor, product, oidc],
    targets: [atLeast('new connection per request: req/s ÷ floor', 1.2, rate('product', 'floor'))],
  },
  {
    name: 'refresh',
    title: 'Refresh with rotation, 32 connections, ES256 (product: SQLite, synchronous = FULL)',
    load: rotation,
    participants: [
      { ...floor, name: 'floor, SQLite NORMAL', store: 'sqlite' },
      product,
      { ...oidc, name: 'oidc-provider, in memory' },
      { ...floor, name: 'floor, in memory' },
    ],
    targets: [
      atLeast(
        'refresh with rotation, durable: req/s ÷ oidc-provider in memory',
        2,
        rate('product', 'oidc-provider, in memory'),
      ),
      atLeast(
        'refresh with rotation, durable: req/s ÷ floor on SQLite NORMAL',
        0.7,
        rate('product', 'floor, SQLite NORMAL'),
      ),
    ],
  },
  {
    name: 'start',
    title: 'Start to listening, warm, both cores',
    starts: 7,
    participants: [product, floor, oidc],
    targets: [atMost('start to listening, warm: ms', 400, (row) => plain(row('product').start))],
  },
]

/** Issue 8: run by name only. */
export const growthScenarios = [
  {
    name: 'workers',
    title: 'Two workers and one, keep-alive, ES256, client on the same two cores',
    load: keepAlive,
    pin: false,
    participants: [
      { ...floor, name: 'floor, 1 process' },
      { ...floor, name: 'floor, 2 workers', workers: 2 },
      { ...product, name: 'product, 1 process' },
      { ...product, name: 'product, 2 workers', workers: 2 },
    ],
    targets: [
      atLeast('two workers ÷ one, divided by the floor’s own two ÷ one', 0.98, (row) =>
        plain(
          ratioOf('rate', row('product, 2 workers'), row('product, 1 process')) /
            ratioOf('rate', row('floor, 2 workers'), row('floor, 1 process')),
        ),
      ),
    ],
  },
  {
    name: 'clients',
    title: 'A million registered clients and a thousand, keep-alive, ES256',
    load: { ...keepAlive, grant: 'any_client', seed: 1 },
    participants: [
      { ...product, name: 'a thousand', crowd: { size: 1_000 } },
      { ...product, name: 'a million, a thousand ask', crowd: { size: 1_000_000, asking: 1_000 } },
      { ...product, name: 'a million, all ask, Zipf', crowd: { size: 1_000_000, skewed: true } },
      { ...product, name: 'a million, all ask as often', crowd: { size: 1_000_000 } },
    ],
    // The first is what the registry's size costs. The others are what it costs that more clients ask
    // than are kept in memory: each look into the database, each with a client's first use to write.
    targets: [
      atLeast(
        'a million registered clients ÷ a thousand, a thousand ask: req/s',
        0.93,
        rate('a million, a thousand ask', 'a thousand'),
      ),
      atLeast(
        'a million clients that all ask, Zipf ÷ a thousand: req/s',
        0.93,
        rate('a million, all ask, Zipf', 'a thousand'),
      ),
      atLeast(
        'a million clients that all ask as often ÷ a thousand: req/s',
        0.93,
        rate('a million, all ask as often', 'a thousand'),
      ),
    ],
  },
  {
    name: 'postgres',
    title: 'Rotations on PostgreSQL and on SQLite, 32 connections, ES256',
    load: rotation,
    postgres: true,
    participants: [
      { ...floor, name: 'floor, in memory' },
      { ...product, name: 'product, SQLite' },
      { ...product, name: 'product, PostgreSQL', postgres: true },
    ],
    targets: [
      atLeast('rotations on PostgreSQL ÷ on SQLite, each ÷ floor', 0.5, (row) =>
        plain(ratioOf('rate', row('product, PostgreSQL'), row('product, SQLite'))),
      ),
    ],
  },
]

export const allScenarios = [...standardScenarios, ...growthScenarios]

function atLeast(measure, bound, value) {
  return { measure, sign: '≥', bound, value }
}

function atMost(measure, bound, value) {
  return { measure, sign: '≤', bound, value }
}

function plain(value) {
  return { value }
}

function ratio(figure, one, other) {
  return (row) => plain(ratioOf(figure, row(one), row(other)))
}

/**
 * Requests per second. Where the load client was the limit they say nothing of the server: then its
 * CPU per request counts, which is what the server would have been limited by.
 */
function rate(one, other) {
  return (row) => {
    const rows = [row(one), row(other)]
    const [first, second] = rows
    const byRate = ratioOf('rate', first, second)
    const limited = rows.some(({ clientBusy }) => clientBusy > 0.92)
    if (!limited) return plain(byRate)
    return {
      value: ratioOf('cpu', second, first),
      note: `by server CPU per request, as the client was the limit; by req/s ${byRate.toFixed(2)}`,
    }
  }
}
