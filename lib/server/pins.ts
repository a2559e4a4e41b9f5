import type { Trust } from '../certificate/trust'
import type { ClientStore, MaybePromise } from '../client/client-store'

/**
 * A certificate of the truststore that is registered for a client is that client's pin and never an
 * anchor: the page's own recipe makes CA:TRUE certificates, with which one client could mint another's
 * name. Which of them are registered changes at any time, so it is looked up again before a chain is
 * believed whenever clients or the truststore have changed since.
 */
export interface Pins {
  refresh(): MaybePromise<void>
}

export function openPins(
  store: Pick<ClientStore, 'version' | 'registeredAmong'>,
  trust: Trust,
): Pins {
  let seen: { version: number; epoch: number } | undefined

  function refreshAt(version: number): MaybePromise<void> {
    if (seen?.version === version && seen.epoch === trust.epoch) return
    return lookUp(version)
  }

  async function lookUp(version: number): Promise<void> {
    const { epoch, set } = trust
    const registered = await store.registeredAmong([...set.entries])
    // A reload meanwhile brought other entries, of which this says nothing.
    if (trust.epoch !== epoch) return lookUp(version)
    trust.setRegistered(new Set(registered))
    seen = { version, epoch: trust.epoch }
  }

  return {
    refresh() {
      const version = store.version()
      return typeof version === 'number' ? refreshAt(version) : version.then(refreshAt)
    },
  }
}
