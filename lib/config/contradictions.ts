/**
 * What is wrong between keys though each alone is right. Every rule that looks at more than one
 * key stands here.
 */
import { BlockList, isIP } from 'node:net'
import { isKeystore, withFormat } from './dependent-defaults'
import type { Problem } from './problems'
import type { WrittenSettings } from './schema'

export function contradictions(settings: WrittenSettings): Problem[] {
  return [
    ...severalPasswords(settings),
    ...keyBesideKeystore(settings),
    ...overlapTooShort(settings),
    ...severalDatabases(settings),
    ...knownAdminPassword(settings),
    ...sharedHeader(settings),
    ...repeatedIds(settings),
    ...repeatedPlugins(settings),
  ]
}

function* severalPasswords({ keystore, truststore, super_admin }: WrittenSettings) {
  const tables = [
    { path: ['keystore', 'tls'], secret: keystore.tls },
    { path: ['truststore'], secret: truststore },
    { path: ['super_admin'], secret: super_admin },
  ]
  for (const { path, secret } of tables) {
    const given = (['password', 'password_file', 'password_env'] as const).filter(
      (name) => secret?.[name] !== undefined,
    )
    const [first, second] = given
    if (first === undefined || second === undefined) continue
    yield {
      key: [...path, second],
      problem: `[${path.join('.')}] has both ${first} and ${second}.`,
      fix: 'Keep one of the two.',
    }
  }
}

function* keyBesideKeystore({ keystore: { tls } }: WrittenSettings) {
  if (tls.key_file_name === undefined || !isKeystore(tls.file_name)) return
  yield {
    key: ['keystore', 'tls', 'key_file_name'],
    problem: `[keystore.tls] key_file_name is for PEM files, and ${tls.file_name} holds its own key.`,
    fix: 'Remove key_file_name.',
  }
}

function* overlapTooShort({ keystore, oauth }: WrittenSettings) {
  const { overlap } = keystore.primary
  const longest = Math.max(
    oauth.token_validation.app_access_token_validity,
    oauth.token_validation.user_access_token_validity,
  )
  if (overlap === undefined || overlap >= longest) return
  yield {
    key: ['keystore', 'primary', 'overlap'],
    problem: `[keystore.primary] overlap is ${overlap} seconds, but access tokens live ${longest}.`,
    fix: `Write at least ${longest}.`,
  }
}

function* severalDatabases({ database }: WrittenSettings) {
  if (database.url === undefined || database.url_env === undefined) return
  yield {
    key: ['database', 'url_env'],
    problem: '[database] has both url and url_env.',
    fix: 'Keep one of the two.',
  }
}

function* knownAdminPassword({ super_admin, server, proxy }: WrittenSettings) {
  const { password, password_file, password_env } = super_admin
  if (password_file !== undefined || password_env !== undefined) return
  const open = openToOthers(server, proxy)
  if ((password ?? 'admin') !== 'admin' || open === undefined) return
  yield {
    key: password === undefined ? open.key : ['super_admin', 'password'],
    problem: `[super_admin] password is "admin", which everybody knows, and ${open.because}.`,
    fix: 'Write another password, or password_file or password_env.',
  }
}

/** The page's own password is known to everybody, so it is for one's own machine alone. */
export function openToOthers(
  { hostname, node_ip }: Pick<WrittenSettings['server'], 'hostname' | 'node_ip'>,
  proxy: WrittenSettings['proxy'],
): { key: string[]; because: string } | undefined {
  if (hostname !== 'localhost') {
    return { key: ['server', 'hostname'], because: `hostname is "${hostname}"` }
  }
  if (!isLoopback(node_ip)) {
    return { key: ['server', 'node_ip'], because: `node_ip is "${node_ip}"` }
  }
  return proxy && { key: ['proxy'], because: 'there is a [proxy]' }
}

function* sharedHeader({ proxy }: WrittenSettings) {
  if (proxy === undefined) return
  const { header, verified_header, address_header } = withFormat(proxy)
  for (const [name, other] of Object.entries({ verified_header, address_header })) {
    if (other !== header) continue
    yield {
      key: ['proxy', name],
      problem: `[proxy] ${name} is "${other}", which carries the certificate itself.`,
      fix: 'Name another header.',
    }
  }
}

function* repeatedIds({ event_listener }: WrittenSettings) {
  const seen = new Set<string>()
  for (const [index, { id, name }] of event_listener.entries()) {
    if (seen.has(id ?? name)) {
      yield {
        key: ['event_listener', index, 'id'],
        problem: `Two [[event_listener]] have the id ${JSON.stringify(id ?? name)}.`,
        fix: 'Give each an id of its own.',
      }
    }
    seen.add(id ?? name)
  }
}

function* repeatedPlugins({ plugins }: WrittenSettings) {
  const seen = new Set<string>()
  for (const [index, name] of plugins.entries()) {
    if (seen.has(name)) {
      yield {
        key: ['plugins', index],
        problem: `plugins names "${name}" twice.`,
        fix: 'Name it once.',
      }
    }
    seen.add(name)
  }
}

export function isLoopback(address: string): boolean {
  return loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')
