import type { Listener } from '../../../../lib/config/wso2/listeners'
import { settleOrders } from '../../../../lib/config/wso2/orders'

const a = { name: 'a', order: 200 }
const b = { name: 'b', order: 300 }
const c = { name: 'c' }

function listener(
  handler: { name: string; order?: number },
  order?: unknown,
  enable?: boolean,
): Listener {
  return {
    handler,
    key: handler.name,
    given: order === undefined ? {} : { order },
    entry: { name: handler.name, ...(enable === undefined ? {} : { enable }) },
  }
}

function settled(...listeners: Listener[]) {
  const report = settleOrders(listeners, [a, b, c])
  return {
    orders: listeners.map(({ entry }) => entry.order),
    outcomes: report.map(({ outcome }) => outcome),
  }
}

test('an order that nobody has is used', () => {
  expect(settled(listener(c, 150))).toEqual({ orders: [150], outcomes: ['used'] })
})

test('an order may stand in a string', () => {
  expect(settled(listener(c, '150'))).toEqual({ orders: [150], outcomes: ['used'] })
})

test('of two entries with one order, the second takes the next free place', () => {
  expect(settled(listener(a, 299), listener(c, 299))).toEqual({
    orders: [299, 301],
    outcomes: ['used', 'changed'],
  })
})

test('an order of the default chain is taken by the handler that has it, listed or not', () => {
  expect(settled(listener(c, 300)).orders).toEqual([301])
})

test('a listed handler leaves its usual place', () => {
  expect(settled(listener(b, 400), listener(c, 300)).orders).toEqual([400, 300])
})

test('what is off takes no place', () => {
  expect(settled(listener(b, 250, false), listener(c, 250))).toEqual({
    orders: [250, 250],
    outcomes: ['used', 'used'],
  })
})

test('without an order, a handler keeps its own place, and one that has none is given one', () => {
  expect(settled(listener(a), listener(c))).toEqual({ orders: [undefined, 210], outcomes: [] })
})

test.each([-1, 1.5, 'first', 100_001, true, {}])('%j is no place in a chain', (order) => {
  expect(settled(listener(c, order))).toEqual({ orders: [210], outcomes: ['changed'] })
})
