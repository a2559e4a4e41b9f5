/**
 * The kinds of value that a key may have. Each schema's message says what the value must be; who
 * reports it adds the key, what was found and what to do.
 *
 * WSO2 writes booleans and numbers in strings as well, so `"true"` and `"3600"` are read as what
 * they say. Any other text is refused: WSO2 reads it as false, which turns a slip of the pen into a
 * check that is off.
 */
import { isBuiltin } from 'node:module'
import { isIP } from 'node:net'
import { z } from 'zod'
import { isDatabaseUrl } from './database-url'

export const boolean = () =>
  z.preprocess(
    (value) => (value === 'true' ? true : value === 'false' ? false : value),
    z.boolean('true or false'),
  )

export function whole(from: number, to: number = maxWhole) {
  const error =
    to === maxWhole ? `a whole number from ${from}` : `a whole number from ${from} to ${to}`
  return z.preprocess(numberInText, z.int(error).min(from, error).max(to, error))
}

/** A moment or a span of the process's own, which a timer keeps: fractions are fine. */
export function seconds() {
  const error = `a number of seconds above 0, at most ${maxTimer}`
  return z.preprocess(numberInText, z.number(error).positive(error).max(maxTimer, error))
}

export const text = (what = 'text') => check(what, (value) => value !== '')

export const port = () => whole(0, 65_535)

export const ipAddress = () =>
  check('an IP address, like "127.0.0.1"', (value) => isIP(value) !== 0)

/** `10.0.0.0/8`, or one address. */
export const addressRange = () => check('an address range, like "10.0.0.0/8"', isAddressRange)

/** RFC 9110 section 5.6.2; header names reach us in lower case. */
export const headerName = (what = 'a header name, like "client-cert"') =>
  check(what, (value) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(value)).toLowerCase()

/** A name that makes a valid `https://NAME:PORT`. */
export const hostname = () =>
  check('a host name, like "id.example"', (value) => {
    const url = `https://${value}:9443`
    const plain = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)$/i.test(value)
    return plain && URL.canParse(url) && new URL(url).hostname === value.toLowerCase()
  })

/** RFC 8414 section 2: an https URL without query or fragment. */
export const issuer = () =>
  check('an https URL without query or fragment, like "https://id.example"', (value) => {
    if (!URL.canParse(value)) return false
    const { protocol, search, hash, username, password } = new URL(value)
    return (
      protocol === 'https:' &&
      !/[?#\s]/.test(value) &&
      `${search}${hash}${username}${password}` === ''
    )
  })

export const databaseUrl = () =>
  check('"sqlite:FILE" or "postgres://USER@HOST/DATABASE"', isDatabaseUrl)

/** SHA-256 of a certificate, as hex (colons allowed) or as `x5t#S256`; read as the latter. */
export const certificateSha256 = () =>
  check('the SHA-256 of a certificate, in hex or base64url', (value) =>
    /^([0-9a-f]{64}|[0-9a-f]{2}(:[0-9a-f]{2}){31}|[\w-]{43})$/i.test(value),
  ).transform((value) =>
    value.length === 43
      ? value
      : Buffer.from(value.replaceAll(':', ''), 'hex').toString('base64url'),
  )

/** A package's name, never a path, a URL or a module of Node's own. */
export const packageName = () =>
  check(
    'the name of an npm package',
    (value) =>
      value.length <= 214 &&
      /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/.test(value) &&
      !isBuiltin(value),
  )

/** Any table, as the parser made it: without prototype, so that no key has a meaning of its own. */
export const table = () =>
  z.custom<Record<string, unknown>>(
    (value) => typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null,
    'a table',
  )

const maxWhole = Number.MAX_SAFE_INTEGER

/** Node's timers end at 2^31 milliseconds; a longer one fires at once. */
const maxTimer = 2_147_483

function numberInText(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,15}(\.\d{1,3})?$/.test(value) ? Number(value) : value
}

/** Not zod's own checks of length: they look at a table's key `length`, too, and fall over it. */
function check(what: string, holds: (value: string) => boolean) {
  return z.string(what).refine(holds, what)
}

function isAddressRange(value: string): boolean {
  const [address = '', prefix, ...more] = value.split('/')
  const version = isIP(address)
  if (version === 0 || more.length > 0) return false
  return (
    prefix === undefined ||
    (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128))
  )
}
