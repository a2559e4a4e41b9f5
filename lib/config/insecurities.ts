/**
 * Settings that are allowed and weaken what the server promises: told at each start and by `config
 * check`, with the reason, so that nobody finds them out later from somebody else.
 */
import type { Problem } from './problems'
import type { Settings as AllSettings } from './schema'

type Settings = Pick<AllSettings, 'truststore' | 'proxy' | 'super_admin' | 'oauth'>

/** Each with the key that says so, in the order of the file's documentation. */
export function insecurities(settings: Settings): Omit<Problem, 'fix'>[] {
  return [
    ...plainChecks(settings),
    ...trustEverybody(settings),
    ...knownPassword(settings),
    ...graceForThieves(settings),
  ]
}

function* plainChecks({ truststore, proxy }: Settings) {
  if (truststore?.ocsp === 'soft') {
    yield {
      key: ['truststore', 'ocsp'],
      problem:
        'ocsp is "soft": whoever can keep the responder from answering uses a revoked certificate.',
    }
  }
  if (proxy?.verified_header === 'none') {
    yield {
      key: ['proxy', 'verified_header'],
      problem:
        'verified_header is "none": nobody says whether the proxy verified a certificate, so only one that is registered, or whose chain we build ourselves, counts.',
    }
  }
}

function* trustEverybody({ proxy }: Settings) {
  for (const [index, range] of (proxy?.trusted ?? []).entries()) {
    if (!range.endsWith('/0')) continue
    yield {
      key: ['proxy', 'trusted', index],
      problem: `trusted has ${range}: anybody who reaches this port may send any certificate in a header.`,
    }
  }
}

function* knownPassword({ super_admin }: Settings) {
  const { create_admin_account, password, password_file, password_env } = super_admin
  if (!create_admin_account || password_file !== undefined || password_env !== undefined) return
  if ((password ?? 'admin') !== 'admin') return
  yield {
    key: ['super_admin', 'password'],
    problem:
      'The administrator’s password is "admin", which everybody knows who reaches this machine.',
  }
}

function* graceForThieves({ oauth: { token_renewal } }: Settings) {
  if (token_renewal.grace === 0 || !token_renewal.renew_refresh_token) return
  yield {
    key: ['oauth', 'token_renewal', 'grace'],
    problem: `For ${token_renewal.grace} seconds a used refresh token is answered again: its theft is noticed later.`,
  }
}
