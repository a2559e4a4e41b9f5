/**
 * The floor's refresh tokens: used up and replaced in one step, by digest. In memory, or in SQLite by
 * better-sqlite3 in one IMMEDIATE transaction on the event loop.
 */
import { hash, randomBytes } from 'node:crypto'

/** As many as a scenario has connections. */
const count = 64
const validity = 30 * 24 * 3600 * 1000

/** `rotate(old, next)` gives `next`, or undefined when `old` is not to be spent. */
export async function refreshTokens(kind, { folder }) {
  const first = Array.from({ length: count }, () => randomBytes(32).toString('base64url'))
  const store = kind === 'memory' ? inMemory() : await inSqlite(folder, kind === 'sqlite-full')
  for (const token of first) store.add(digest(token), Date.now() + validity)
  return {
    first,
    rotate: (old, next) => (store.replace(digest(old), digest(next)) ? next : undefined),
  }
}

function digest(token) {
  return hash('sha256', token, 'base64url')
}

function inMemory() {
  const ends = new Map()
  return {
    add: (key, expires) => ends.set(key, expires),
    replace(old, next) {
      const expires = ends.get(old)
      if (expires === undefined || expires < Date.now()) return false
      ends.delete(old)
      ends.set(next, expires)
      return true
    },
  }
}

async function inSqlite(folder, full) {
  const { default: Database } = await import('better-sqlite3')
  const database = new Database(`${folder}/floor.db`)
  database.pragma('journal_mode = WAL')
  database.pragma(`synchronous = ${full ? 'FULL' : 'NORMAL'}`)
  database.exec(`CREATE TABLE refresh_token (
    digest TEXT PRIMARY KEY, family TEXT NOT NULL, expires INTEGER NOT NULL, used INTEGER
  ) WITHOUT ROWID; CREATE INDEX by_family ON refresh_token (family)`)
  const insert = database.prepare(
    'INSERT INTO refresh_token (digest, family, expires) VALUES (?, ?, ?)',
  )
  const consume = database.prepare(
    `UPDATE refresh_token SET used = ? WHERE digest = ? AND used IS NULL AND expires > ?
     RETURNING family, expires`,
  )
  const replace = database.transaction((old, next) => {
    const now = Date.now()
    const row = consume.get(now, old, now)
    if (row === undefined) return false
    insert.run(next, row.family, row.expires)
    return true
  })
  return { add: (key, expires) => insert.run(key, key, expires), replace: replace.immediate }
}
