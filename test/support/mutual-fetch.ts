import { Agent, fetch as undiciFetch } from 'undici'
import type { Identity, World } from './world'

/** A `fetch` that shows a certificate, as the strict client libraries take one. Close it after use. */
export interface MutualFetch {
  fetch(url: string, options: object): Promise<Response>
  close(): Promise<void>
}

export function mutualFetch(world: World, identity: Identity | undefined): MutualFetch {
  const dispatcher = new Agent({
    connect: { ca: world.certificates.ca.certificatePem, ...identity },
  })
  return {
    fetch: async (url, options) =>
      (await undiciFetch(url, { ...options, dispatcher })) as unknown as Response,
    close: () => dispatcher.close(),
  }
}
