/**
 * The `<EventListener>`s of `identity.xml`, as `[[event_listener]]` would hold them. WSO2's own pages
 * print some without blanks between the attributes, so tags are read one by one and no XML reader,
 * with its entities and external files, is let near.
 */
export function eventListenersOf(xml: string): Record<string, unknown>[] {
  const entries: Record<string, unknown>[] = []
  let properties: Record<string, unknown> | undefined
  for (const tag of withoutComments(xml).matchAll(
    /<(\/?)(EventListener|Property)\b([^<>]*)>([^<]*)/g,
  )) {
    const [, closing, element, inside = '', text = ''] = tag
    if (closing !== '') {
      if (element === 'EventListener') properties = undefined
      continue
    }
    const given = attributesOf(inside)
    if (element === 'EventListener') {
      const below: Record<string, unknown> = Object.create(null)
      entries.push(entryOf(given, below))
      properties = inside.endsWith('/') ? undefined : below
    } else if (properties !== undefined && given.name !== undefined) {
      properties[given.name] = given.value ?? plain(text.trim())
    }
  }
  return entries
}

function withoutComments(xml: string): string {
  return xml
    .split('<!--')
    .map((part, index) => (index === 0 ? part : part.slice(commentEnd(part))))
    .join('')
}

function commentEnd(part: string): number {
  const end = part.indexOf('-->')
  return end === -1 ? part.length : end + 3
}

function entryOf(given: Record<string, string>, properties: object): Record<string, unknown> {
  const { id, type, name, orderId, enable } = given
  const entry = { id, type, name, order: orderId, enable, properties }
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined))
}

function attributesOf(inside: string): Record<string, string> {
  const found = inside.matchAll(/\b([A-Za-z]{1,32})\s*=\s*(?:"([^"]*)"|'([^']*)')/g)
  return Object.fromEntries([...found].map(([, name, a, b]) => [name, plain(a ?? b ?? '')]))
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function plain(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (whole, name: string) => entities[name] ?? whole)
}
