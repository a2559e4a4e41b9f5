/** What holds for every plugin, whatever it gives. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SetupError } from '../error/setup-error'
import { textOf } from '../error/text-of'
import { definePlugin } from '../plugin/plugin'
import { type Case, onGround, type Tried } from './cases'
import { openGround } from './ground'
import { must, mustGive } from './must'
import { wrap } from './wrap'

export function generalCases(tried: Tried): Case[] {
  return [
    testedWhole(tried),
    ...(tried.test.anyProperty ? [] : [refusesMisspelt(tried)]),
    closedAsOften(tried),
    closedWhenLaterFails(tried),
    survivesItsOwnClose(tried),
    servesThroughReloads(tried),
  ]
}

const kinds = ['clientAuth', 'grant', 'listener'] as const

function testedWhole({ plugin, test }: Tried): Case {
  return {
    name: 'is set up, and tested in everything that it gives',
    async run() {
      const said = kinds.filter((kind) => test[kind] !== undefined)
      const named = said.length === 0 ? ['listener'] : said
      let given: string[] = []
      const watched = wrap(plugin, (contribution) => {
        given = kinds.filter((kind) => contribution[kind] !== undefined)
        return contribution
      })
      const ground = await openGround(plugin, test, { plugin: watched })
      await ground.close()
      for (const kind of given) {
        must(named.includes(kind), `it gives a ${kind} too: say ${kind}: {…} to testPlugin`)
      }
      for (const kind of named) must(given.includes(kind), `it gives no ${kind}`)
    },
  }
}

function refusesMisspelt({ plugin, test }: Tried): Case {
  return {
    name: 'refuses a property that there is not',
    async run() {
      const properties = { ...test.properties, plugin_testing_misspelt: true }
      try {
        await (await openGround(plugin, { ...test, properties })).close()
      } catch (cause) {
        must(cause instanceof SetupError, `it throws ${textOf(cause)}`)
        return
      }
      must(false, 'it takes a misspelt property without a word: make its schema strict')
    },
  }
}

function closedAsOften({ plugin, test }: Tried): Case {
  return {
    name: 'is closed as often as it is set up, over reloads too',
    async run() {
      const { open, counting } = counted({ plugin, test })
      const ground = await openGround(plugin, test, { plugin: counting, handlerTimeout: 0.05 })
      await ground.server.reload()
      await ground.server.reload()
      await ground.close()
      must(open() === 0, `${open()} of its contributions were never closed`)
    },
  }
}

function closedWhenLaterFails({ plugin, test }: Tried): Case {
  return {
    name: 'is closed when a later plugin can’t be set up',
    async run() {
      const { open, counting } = counted({ plugin, test })
      const failing = definePlugin({
        name: 'plugin-testing-failing',
        order: 100_000,
        setup: () => Promise.reject(new Error('out of order')),
      })
      try {
        await openGround(plugin, test, { plugin: counting, more: [failing] })
      } catch (cause) {
        must(cause instanceof SetupError, `the start fails with ${textOf(cause)}`)
        must(open() === 0, 'it was left open')
        return
      }
      must(false, 'a plugin that can’t be set up did not stop the start')
    },
  }
}

function survivesItsOwnClose({ plugin, test }: Tried): Case {
  return {
    name: 'can’t keep the server from closing, when its close throws or never ends',
    async run() {
      for (const close of [
        () => Promise.reject(new Error('stuck')),
        () => sleep(60_000, undefined, { ref: false }),
      ]) {
        const stuck = wrap(plugin, (contribution) => ({
          ...contribution,
          async close() {
            await contribution.close?.()
            await close()
          },
        }))
        const ground = await openGround(plugin, test, { plugin: stuck })
        await Promise.race([ground.close(), late()])
        must(ground.failures().length === 1, 'the operator is not told')
      }
    },
  }
}

async function late(): Promise<never> {
  await sleep(10_000, undefined, { ref: false })
  throw new Error('the server is not closed after ten seconds')
}

function servesThroughReloads(tried: Tried): Case {
  return onGround(
    tried,
    'serves every good request while the chain is reloaded',
    async (ground) => {
      const ask = async () =>
        mustGive(await ground.post('/oauth2/token', await ground.good(ground.a)), 'during a reload')
      for (let round = 0; round < 3; round++) await Promise.all([ask(), ground.server.reload()])
      must(ground.failures().length === 0, `it failed: ${JSON.stringify(ground.failures())}`)
    },
  )
}

/** How many of its contributions are open. */
function counted({ plugin }: Tried) {
  let open = 0
  const counting = wrap(plugin, (contribution) => {
    open += 1
    return {
      ...contribution,
      async close() {
        open -= 1
        await contribution.close?.()
      },
    }
  })
  return { open: () => open, counting }
}
