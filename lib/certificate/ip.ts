import { isIP } from 'node:net'

/** The 4 or 16 bytes of an IP address; undefined when the text is none. Zones are refused. */
export function ipBytes(text: string): Buffer | undefined {
  const version = isIP(text)
  if (version === 4) return Buffer.from(text.split('.').map(Number))
  if (version !== 6 || text.includes('%')) return undefined
  // The URL parser writes every IPv6 address in hex groups, an embedded IPv4 one too.
  const [head = '', tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::')
  const groups = (part: string | undefined) => (part ? part.split(':') : [])
  const zeros = 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array<string>(zeros).fill('0'), ...groups(tail)]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

/** An address as it is compared and logged: an IPv4 address that came over IPv6 is an IPv4 address. */
export function normaliseIp(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  return mapped?.[1] ?? address
}
