import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, ClientConfig } from 'pg'
import type { CounterName } from './engine'
import type { Pg } from './postgres-pool'

/**
 * Caches that cannot lie. Each change notifies every process (LISTEN/NOTIFY), and beside that the
 * counter is read a few times a second over the same connection: a notification may get lost in a
 * pooler, a connection may be dead without a sign. While the last beat is too long ago, `version`
 * moves on every call, so that nothing cached is believed.
 */
export interface VersionWatch {
  version(): number
  /** The counter of that name; NaN while the last beat is too long ago. */
  blocks(): number
  /** A change of our own is committed, under this number; unknown when the outcome is. */
  changed(counter: number | undefined): void
  close(): void
}

export const channel = 'mtls_secret'

/** What a notification says: `version 7`. */
export function newsOf(counter: CounterName, value: number): string {
  return `${counter} ${value}`
}

/** Resolves at the first beat; rejects when there is none. */
export async function watchVersion(pg: Pg, settings: ClientConfig): Promise<VersionWatch> {
  const closing = new AbortController()
  let version = 0
  let counter: number | undefined
  let blocks = 0
  let heard = Number.NEGATIVE_INFINITY
  let client: Client | undefined

  const changed = (now: number | undefined) => {
    if (now === undefined || now !== counter) version++
    counter = now
  }

  const hear = (news = '') => {
    const [name, value] = news.split(' ')
    if (name === 'version') changed(Number(value))
    else if (name === 'blocks') blocks = Math.max(blocks, Number(value))
  }

  const lost = () => {
    heard = Number.NEGATIVE_INFINITY
  }

  async function listen(): Promise<void> {
    client = new pg.Client({ ...settings, query_timeout: trust })
    client.on('error', lost)
    client.on('notification', ({ payload }) => hear(payload))
    await client.connect()
    await client.query(`listen ${channel}`)
    await beat()
  }

  async function beat(): Promise<void> {
    const asked = performance.now()
    const answer = await client?.query<{ news: string }>(
      `select name || ' ' || value as news from counter`,
    )
    for (const { news } of answer?.rows ?? []) hear(news)
    heard = asked
  }

  async function keepListening(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await sleep(pulse, undefined, { signal: closing.signal })
        if (client === undefined) await listen()
        else await beat()
      } catch {
        lost()
        drop(client)
        client = undefined
      }
    }
    drop(client)
  }

  try {
    await listen()
  } catch (error) {
    drop(client)
    throw error
  }
  void keepListening()
  const isDeaf = () => performance.now() - heard > trust
  return {
    version: () => (isDeaf() ? ++version : version),
    blocks: () => (isDeaf() ? Number.NaN : blocks),
    changed,
    close() {
      closing.abort()
      drop(client)
    },
  }
}

/** Milliseconds between two beats, and after how many without one nothing is believed. */
const pulse = 250
const trust = 700

/** Without waiting for a server that may never answer. */
function drop(client: Client | undefined): void {
  client?.end().catch(() => {})
}
