import { InvalidArgumentError } from 'commander'

/** `90s`, `15m`, `24h` or `30d`, in seconds. */
export function parseDuration(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count === undefined || unit === undefined) {
    throw new InvalidArgumentError('Write a number and a unit: 90s, 15m, 24h or 30d.')
  }
  return Number(count) * (secondsPer[unit] ?? Number.NaN)
}

const secondsPer: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }
