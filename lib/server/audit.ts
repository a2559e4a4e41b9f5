import { isThenable } from '../client/maybe-promise'
import { textOf } from '../error/text-of'
import type { EventName, ServerEvents } from '../plugin/events'
import type { Log } from '../plugin/plugin'
import type { Registry } from '../plugin/registry'

/**
 * Tells every listener of an event. A listener that fails is named in the log and changes nothing. The event
 * is frozen: of a spread object V8 makes a new shape each time it is, so one that many requests bring is
 * better written out.
 */
export type Tell = <Name extends Exclude<EventName, 'beforeIssue'>>(
  name: Name,
  event: ServerEvents[Name],
) => void

export function openTell(registry: () => Registry, log: Log): Tell {
  const failed = (listener: string, on: string, cause: unknown) =>
    log.error('listener.failed', { listener, on, problem: textOf(cause) })
  return (name, event) => {
    // What one listener does to an event must not reach the next, the audit log least of all.
    Object.freeze(event)
    for (const listener of registry().listeners(name)) {
      try {
        const heard: unknown = listener.hear(event)
        if (isThenable(heard)) {
          Promise.resolve(heard).catch((cause) => failed(listener.name, name, cause))
        }
      } catch (cause) {
        failed(listener.name, name, cause)
      }
    }
  }
}
