import type { AnyPlugin } from '../plugin/chain'
import { type Ground, type GroundWish, openGround } from './ground'
import type { PluginTest } from './options'

/** One attack: a sentence that must hold, and how to find out. */
export interface Case {
  readonly name: string
  run(): Promise<void>
}

/** What cases are made of: the plugin, and what its author says of it. */
export interface Tried {
  readonly plugin: AnyPlugin
  readonly test: PluginTest
}

/** A case on a ground of its own, which is closed whatever comes of it. */
export function onGround(
  { plugin, test }: Tried,
  name: string,
  run: (ground: Ground) => Promise<void>,
  wish: GroundWish = {},
): Case {
  return {
    name,
    async run() {
      const ground = await openGround(plugin, test, wish)
      try {
        await run(ground)
      } finally {
        await ground.close()
      }
    },
  }
}
