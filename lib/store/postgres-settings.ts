import { isIP } from 'node:net'
import type { ClientConfig } from 'pg'
import { SetupError } from '../error/setup-error'

/** Milliseconds until a caller has an answer, if only that there is none. */
export const patience = 2_000

/**
 * How each connection is made. Encryption with a verified certificate and host name (`verify-full`)
 * wherever the way leaves this machine, unless the URL or PGSSLMODE says something else: a database
 * that anybody in between can impersonate decides who is let in.
 */
export function postgresSettings(url: string): ClientConfig {
  const host = hostOf(url)
  const chosen = /[?&]ssl/i.test(url) || process.env.PGSSLMODE !== undefined
  return {
    connectionString: url,
    application_name: 'mtls-secret',
    connectionTimeoutMillis: patience,
    statement_timeout: patience,
    query_timeout: patience,
    keepAlive: true,
    ...(!chosen && !isLocal(host) && { ssl: { rejectUnauthorized: true, host } }),
  }
}

/** The database as an operator may read it: without the password. */
export function withoutPassword(url: string): string {
  const { hostname, port, pathname } = parse(url)
  return `postgres://${hostname}${port && `:${port}`}${pathname}`
}

function hostOf(url: string): string {
  const { hostname, searchParams } = parse(url)
  const named = searchParams.get('host') ?? decodeURIComponent(hostname).replace(/^\[|\]$/g, '')
  return named || process.env.PGHOST || 'localhost'
}

/** A socket in the file system, or loopback. */
function isLocal(host: string): boolean {
  if (host.startsWith('/') || host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}

function parse(url: string): URL {
  try {
    return new URL(url)
  } catch {
    throw new SetupError(
      'The URL of the PostgreSQL database cannot be read.',
      'Write postgres://USER@HOST/DATABASE, with special characters of the password percent-encoded.',
    )
  }
}
