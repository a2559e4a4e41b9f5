/**
 * A process of its own for the model: `node -r test/support/typescript.cjs process.ts URL KEYS [A B]`,
 * driven over its channel. Without the ids of the two clients it makes them.
 */
import { openStore } from '../../lib/store'
import type { Operation, Outcome, Rules, Who } from './rotation-model'
import { openSystem } from './system'

/** What it is told; each is answered, in order. */
export type Order =
  | { tell: 'begin'; rules: Rules }
  | { tell: 'run'; operations: readonly Operation[]; now: number }
  | { tell: 'toggle'; who: Who }
  /** Answered when it sees the client so. */
  | { tell: 'see'; who: Who; disabled: boolean }

export interface Answer {
  outcomes: Outcome[]
  disabled: Who[]
  reused: number
  revoked: number
  client_ids: Record<Who, string>
}

async function main(url: string, directory: string, a?: string, b?: string): Promise<void> {
  const client_ids = a !== undefined && b !== undefined ? { a, b } : undefined
  const system = await openSystem(await openStore(url), { directory, client_ids })

  const answer = (more: Partial<Answer> = {}) => {
    const { reused, revoked, client_ids } = system
    const whole = { outcomes: [], disabled: [], reused: reused(), revoked: revoked(), client_ids }
    process.send?.({ ...whole, ...more })
  }
  const obey = async (order: Order) => {
    if (order.tell === 'begin') {
      await system.begin(order.rules)
      answer()
    } else if (order.tell === 'run') {
      system.setClock(order.now)
      answer({ outcomes: await system.run(order.operations) })
    } else if (order.tell === 'toggle') {
      answer({ disabled: await system.toggle(order.who) })
    } else {
      while ((await system.isDisabled(order.who)) !== order.disabled) {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      answer()
    }
  }
  process.on('message', (order: Order) => {
    obey(order).catch((error: unknown) => {
      console.error(error)
      process.exit(1)
    })
  })
  process.on('disconnect', () => void system.close())
  answer()
}

if (require.main === module) {
  const [url = '', directory = '', a, b] = process.argv.slice(2)
  void main(url, directory, a, b)
}
