/**
 * Compiled, never run: what a plugin's author is told by the compiler. A `@ts-expect-error` that
 * expects in vain is itself an error.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { z } from 'zod'
import {
  accepted,
  type Contribution,
  definePlugin,
  type Plugin,
  rejected,
  type Verdict,
} from '../../lib/plugin'

/** The second and third types are equal, in both directions and in `any`. */
type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Equal<A, B>): void {}

// Properties have the types of the schema's output, defaults and transforms included.
export const zodPlugin = definePlugin({
  name: 'zod',
  properties: z.strictObject({
    claim: z.string().default('tenant'),
    seconds: z.string().transform(Number),
    mode: z.enum(['on', 'off']).optional(),
  }),
  setup: ({ properties }) => {
    same<typeof properties, { claim: string; seconds: number; mode?: 'on' | 'off' | undefined }>(
      true,
    )
    // @ts-expect-error: no such property
    properties.clam
    return { listener: { beforeIssue: () => ({ [properties.claim]: properties.seconds }) } }
  },
})

// A schema of anybody's hand, as valibot, arktype or nobody in particular makes them.
const byHand: StandardSchemaV1<{ key_id?: string }, { key_id: string; retries: number }> = {
  '~standard': {
    version: 1,
    vendor: 'nobody',
    validate: () => ({ value: { key_id: 'k', retries: 3 } }),
  },
}
export const handPlugin = definePlugin({
  name: 'by-hand',
  properties: byHand,
  async setup({ properties, clock, replay }) {
    same<typeof properties, { key_id: string; retries: number }>(true)
    return {
      clientAuth: {
        needs: () => ['signature'],
        // Nothing needs a type written down: each is inferred, and none of them is `any`.
        recognise: ({ headers }) => headers['x-key'],
        async authenticate(request, client) {
          same<typeof request.client_id, string | undefined>(true)
          same<typeof client.grant_types, readonly string[]>(true)
          // @ts-expect-error: a request can't be changed
          request.client_id = properties.key_id
          // @ts-expect-error: the secret's digest is nobody's business
          client.secrets
          if (await replay.seen(properties.key_id, clock.now() + 1000)) return rejected('replayed')
          return client.judgeCertificate(request.certificate)
        },
      },
    }
  },
})

// Without a schema there are no properties.
definePlugin({
  name: 'bare',
  setup({ properties }) {
    same<typeof properties, Record<string, never>>(true)
    return {
      grant: { grant_type: 'urn:x', decide: (_request, client) => ({ sub: client.client_id }) },
    }
  },
})

// A plugin with a schema is a plugin like any other where a list of them is wanted.
export const plugins: readonly Plugin[] = [zodPlugin, handPlugin]

definePlugin({
  name: 'truthy',
  setup: () => ({
    clientAuth: {
      recognise: ({ client_id }) => client_id,
      // @ts-expect-error: a verdict is not a truth value
      authenticate: () => true,
    },
  }),
})

definePlugin({
  name: 'no-subject',
  setup: () => ({
    // @ts-expect-error: a decision names its subject
    grant: { grant_type: 'urn:x', decide: () => ({ scope: 'a' }) },
  }),
})

definePlugin({
  name: 'deaf',
  // @ts-expect-error: there is no such event
  setup: () => ({ listener: { issuing: () => undefined } }),
})

// @ts-expect-error: a name is needed
definePlugin({ setup: () => ({ listener: {} }) })

// @ts-expect-error: so is a setup
definePlugin({ name: 'idle' })

definePlugin({
  name: 'wrong-schema',
  // @ts-expect-error: not a Standard Schema
  properties: { claim: 'string' },
  setup: () => ({ listener: {} }),
})

// A verdict that was not made by us has not its type's word for it: it is refused where it counts.
export const verdicts: Verdict[] = [accepted(), rejected('acme:late')]

export const contribution: Contribution = {
  listener: {
    issued({ jti, client_id }) {
      same<typeof jti, string>(true)
      same<typeof client_id, string | undefined>(true)
    },
    stopped: async () => {},
  },
}
