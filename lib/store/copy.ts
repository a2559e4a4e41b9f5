import { createHash } from 'node:crypto'
import { SetupError } from '../error/setup-error'
import { moveCounter } from './sql-store'
import { type TableName, tableNames } from './tables'
import { openWhole, type Row, refuseMissing, type WholeDatabase } from './whole-database'

/** One table that was copied, the same in both databases. */
export interface CopiedTable {
  table: string
  rows: number
  /** Of all rows, in whatever order they come. */
  checksum: string
}

/**
 * Copies everything from one database into another that is empty, SQLite or PostgreSQL, in one
 * transaction: what was read is counted and summed, read again from the copy, and only kept when
 * both are equal. Throws SetupError, with nothing written, where anything stands against it.
 *
 * @example
 * await copyStore('sqlite:data/mtls-secret.db', 'postgres://mtls@db.example/mtls')
 */
export async function copyStore(fromUrl: string, toUrl: string): Promise<CopiedTable[]> {
  refuseMissing(fromUrl)
  const from = await openWhole(fromUrl)
  try {
    const to = await openWhole(toUrl)
    try {
      return await copyWhole(from, to)
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
}

/** The counters belong to each database itself, and with them what they number. */
const copied = tableNames.filter((table) => table !== 'counter' && table !== 'failure')

async function copyWhole(from: WholeDatabase, to: WholeDatabase): Promise<CopiedTable[]> {
  await from.begin('read')
  await to.begin('write')
  try {
    await to.execute(moveCounter(to.db, 'version').compile())
    const report: CopiedTable[] = []
    for (const table of copied) await refuseRows(to, table)
    for (const table of copied) report.push(await copyTable(from, to, table))
    await to.end('commit')
    return report
  } catch (error) {
    await to.end('rollback')
    throw error
  } finally {
    await from.end('rollback')
  }
}

async function refuseRows(to: WholeDatabase, table: TableName): Promise<void> {
  for await (const _ of to.rows(table)) {
    throw new SetupError(
      `The database to copy into is not empty: it has rows in "${table}".`,
      'Name an empty database.',
    )
  }
}

async function copyTable(
  from: WholeDatabase,
  to: WholeDatabase,
  table: TableName,
): Promise<CopiedTable> {
  const read = summing()
  for await (const rows of from.rows(table)) {
    rows.forEach(read.add)
    await to.execute(to.db.insertInto(table).values(rows.map(withBuffers)).compile())
  }
  const written = summing()
  for await (const rows of to.rows(table)) rows.forEach(written.add)
  const { rows, checksum } = read.result()
  if (written.result().checksum !== checksum) {
    throw new SetupError(
      `The copy of "${table}" does not equal the original.`,
      'Nothing was written. Check that the database to copy into uses UTF-8.',
    )
  }
  return { table, rows, checksum }
}

/** Adds up the digests of rows, so that the order in which an engine gives them does not matter. */
function summing() {
  let rows = 0
  let sum = 0n
  return {
    add(row: Row) {
      const text = JSON.stringify(Object.values(row).map(comparable))
      rows++
      sum += BigInt(`0x${createHash('sha256').update(text).digest('hex')}`)
    },
    result: () => ({ rows, checksum: BigInt.asUintN(256, sum).toString(16).padStart(64, '0') }),
  }
}

function comparable(value: unknown): unknown {
  return isBytes(value) ? { base64: Buffer.from(value).toString('base64') } : value
}

/** What every driver takes for bytes. */
function withBuffers(row: Row): never {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, isBytes(value) ? Buffer.from(value) : value]),
  ) as never
}

function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value)
}
