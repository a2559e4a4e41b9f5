import { eventListenersOf } from '../../../../lib/config/wso2/identity-xml'

test('an entry has its attributes and its properties', () => {
  const xml = `<EventListeners><EventListener type="T" name="N" orderId="7" enable="false">
    <Property name="A">true</Property><Property name="B" value="x &amp; &lt;y&gt;"/>
  </EventListener></EventListeners>`
  expect(eventListenersOf(xml)).toEqual([
    { type: 'T', name: 'N', order: '7', enable: 'false', properties: { A: 'true', B: 'x & <y>' } },
  ])
})

test("blanks between attributes may be missing, as on WSO2's own pages", () => {
  expect(eventListenersOf('<EventListener type="T"name=\'N\'orderId = "7"/>')).toEqual([
    { type: 'T', name: 'N', order: '7', properties: {} },
  ])
})

test('what a comment holds is no entry', () => {
  const entry = '<EventListener name="N"/>'
  expect(eventListenersOf(`<!-- ${entry} -->${entry}<!-- ${entry}`)).toHaveLength(1)
})

test('a property outside an entry is nobody’s', () => {
  const xml = '<EventListener name="N"/><Property name="A">1</Property>'
  expect(eventListenersOf(xml)).toEqual([{ name: 'N', properties: {} }])
  const closed = '<EventListener name="N"></EventListener><Property name="A">1</Property>'
  expect(eventListenersOf(closed)).toEqual([{ name: 'N', properties: {} }])
})

test('a property called __proto__ has no effect', () => {
  const xml = '<EventListener name="N"><Property name="__proto__">1</Property></EventListener>'
  expect(Object.getPrototypeOf(eventListenersOf(xml)[0]?.properties)).toBeNull()
})

test.each([
  ['tags that never end', '<EventListener '.repeat(70_000)],
  ['comments that never end', '<!--'.repeat(250_000)],
  ['one endless attribute', `<EventListener ${'a'.repeat(1e6)}>`],
  ['endless blanks', `<EventListener name${' '.repeat(1e6)}>`],
])('%s are read in less than a second', (_title, xml) => {
  const start = process.cpuUsage()
  eventListenersOf(xml)
  const { user, system } = process.cpuUsage(start)
  expect(user + system).toBeLessThan(1_000_000)
})
