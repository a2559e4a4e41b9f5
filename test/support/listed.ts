/** An `[[event_listener]]` entry that turns a handler on. */
export function listed(name: string, order: number, properties: Record<string, unknown> = {}) {
  return { id: name, name, type: 'client-auth', order, enable: true, properties }
}
