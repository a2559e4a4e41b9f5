/**
 * Passwords of people: scrypt at OWASP's cost, stored with its parameters so that they can be
 * raised. One queue for the whole process keeps two of libuv's four threads free for other work.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { boundedQueue } from './bounded-queue'

const cost = { N: 2 ** 15, r: 8, p: 3 }
/** Node's own limit of 32 MiB is just too small for N = 2^15, r = 8. */
const maxmem = 64 * 1024 * 1024
const hashBytes = 32

const queue = boundedQueue({ running: 2, waiting: 16, patience: 1_500 })

/**
 * `scrypt$N$r$p$salt$hash`, salt and hash base64url.
 * Rejects with `temporarily_unavailable` when too many passwords wait.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, cost)
  return format(salt, hash)
}

/**
 * Whether the password is the stored one. Without a stored one (nobody has that name) the answer is
 * false after the same work, so that time doesn't tell which names exist.
 * Rejects with `temporarily_unavailable` when too many passwords wait.
 */
export async function verifyPassword(
  password: string,
  stored: string | undefined,
): Promise<boolean> {
  const { salt, hash, ...parameters } = parse(stored ?? decoy)
  const same = timingSafeEqual(await derive(password, salt, parameters), hash)
  return same && stored !== undefined
}

/** The cost of a real password, and nobody's: its hash is random. */
const decoy = format(randomBytes(16), randomBytes(hashBytes))

type Cost = typeof cost

function derive(password: string, salt: Buffer, { N, r, p }: Cost): Promise<Buffer> {
  const options: ScryptOptions = { N, r, p, maxmem }
  return queue(
    () =>
      new Promise((resolve, reject) => {
        scrypt(password, salt, hashBytes, options, (error, key) =>
          error === null ? resolve(key) : reject(error),
        )
      }),
  )
}

function format(salt: Buffer, hash: Buffer): string {
  const { N, r, p } = cost
  return ['scrypt', N, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

function parse(stored: string): Cost & { salt: Buffer; hash: Buffer } {
  const [scheme, N, r, p, salt = '', hash = '', ...rest] = stored.split('$')
  const parsed = {
    N: Number(N),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, 'base64url'),
    hash: Buffer.from(hash, 'base64url'),
  }
  if (scheme !== 'scrypt' || rest.length > 0 || parsed.hash.length !== hashBytes) {
    throw new Error('A stored password is not in the form scrypt$N$r$p$salt$hash.')
  }
  return parsed
}
