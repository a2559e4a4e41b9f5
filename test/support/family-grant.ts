import { definePlugin } from '../../lib/plugin'
import { standardPlugins } from '../../plugins'
import type { WorldOptions } from './world'

/** Begins a family of refresh tokens for the asking, where a password's hash would cost the test its time. */
export const familyGrant = definePlugin({
  name: 'family',
  order: 350,
  setup: () => ({
    grant: {
      grant_type: 'urn:test:family',
      decide: () => ({ sub: 'somebody', refreshable: true }),
    },
  }),
})

export const family = { grant_type: 'urn:test:family' }

export const grant_types = [
  'client_credentials',
  'password',
  'refresh_token',
  'urn:test:family',
] as const

/** A world in which both clients may ask for it. */
export function familyWorld(options: WorldOptions = {}): WorldOptions {
  return {
    plugins: [...standardPlugins, familyGrant],
    ...options,
    a: { grant_types: [...grant_types], ...options.a },
    b: { grant_types: [...grant_types], ...options.b },
  }
}
