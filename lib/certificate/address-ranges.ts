import { BlockList, isIP } from 'node:net'
import { SetupError } from '../error/setup-error'
import { normaliseIp } from './ip'

/**
 * Says of an address whether it lies in one of these ranges (`10.0.0.0/8`, `2001:db8::/32`, single
 * addresses). An IPv4 address that came over an IPv6 socket is an IPv4 address.
 * Throws `SetupError` for what is no range.
 */
export function openRanges(ranges: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const { address, family, prefix } = parseRange(range)
    list.addSubnet(address, prefix, family)
  }
  return (address) => {
    if (address === undefined) return false
    const plain = normaliseIp(address).replace(/%.*$/s, '')
    const version = isIP(plain)
    return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6')
  }
}

function parseRange(range: string) {
  const [, written = '', digits] = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(range) ?? []
  const address = normaliseIp(written)
  const version = isIP(address)
  // A range that was written for IPv4 addresses inside of IPv6 ones counts its bits from there.
  const shift = address === written ? 0 : 96
  const length = version === 4 ? 32 : 128
  const prefix = digits === undefined ? length : Number(digits) - shift
  if (version === 0 || prefix < 0 || prefix > length) {
    throw new SetupError(
      `"${range}" is not an address range.`,
      'Write it like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1.',
    )
  }
  return { address, family: version === 4 ? ('ipv4' as const) : ('ipv6' as const), prefix }
}
