import { SetupError } from '../error/setup-error'
import type { ServerUrls } from '../plugin/plugin'

/** By which names the server is reached: set, or known only once its ports are bound (`port = 0`). */
export interface Address extends ServerUrls {
  /** Throws `SetupError` while it is not known. */
  readonly issuer: string
  /** Where certificates are required; undefined: there is no such listener, or its port is not bound. */
  readonly mtlsUrl: string | undefined
  /** An issuer that was set stays. */
  set(url: string, mtlsUrl?: string): void
}

export function openAddress(
  given: string | undefined,
  { hostname, mtls }: { hostname: string; mtls?: { port: number } | undefined },
  path: string,
): Address {
  let issuer = given
  let mtlsUrl = mtls?.port ? new URL(`https://${hostname}:${mtls.port}`).origin : undefined
  const address: Address = {
    get issuer() {
      if (issuer !== undefined) return issuer
      throw new SetupError('The issuer is not known yet.', 'Set issuer, or a port other than 0.')
    },
    get mtlsUrl() {
      return mtlsUrl
    },
    get token_endpoints() {
      return [address.issuer, ...(mtlsUrl === undefined ? [] : [mtlsUrl])].map((origin) =>
        endpointAt(origin, path, 'token'),
      )
    },
    set(url, mtls) {
      issuer ??= url
      mtlsUrl = mtls ?? mtlsUrl
    },
  }
  return address
}

/** An endpoint's URL; an issuer may end in a slash, which stands for nothing. */
export function endpointAt(origin: string, path: string, name: string): string {
  return `${origin.endsWith('/') ? origin.slice(0, -1) : origin}${path}/${name}`
}
