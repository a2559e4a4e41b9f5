import { storeFault } from './fault'

/** A connection that `open` makes, once for all who ask, and without which every question is 503. */
export interface HeldConnection<Connection> {
  here(): Connection
  open(): Promise<void>
  close(): Promise<void>
}

export function holding<Connection extends { close(): Promise<void> }>(
  connect: () => Promise<Connection>,
): HeldConnection<Connection> {
  let opening: Promise<Connection> | undefined
  let connection: Connection | undefined
  return {
    here() {
      if (connection === undefined) throw storeFault(new Error('The store is not open.'))
      return connection
    },
    async open() {
      opening ??= connect()
      try {
        connection = await opening
      } catch (error) {
        opening = undefined
        throw error
      }
    },
    async close() {
      await opening?.catch(() => undefined)
      const closing = connection
      opening = undefined
      connection = undefined
      await closing?.close()
    },
  }
}
