import { X509Certificate } from 'node:crypto'
import { oauthSettings } from './oauth-settings'
import {
  type Answer,
  type Caller,
  exchange,
  type Identity,
  openWorld,
  type World,
  type WorldOptions,
} from './world'

/** A world in which client A may register others. */
export function openRegistrationWorld(
  dcr: { per_hour?: number; clients?: number } = {},
  options: WorldOptions = {},
): Promise<World> {
  return openWorld({
    oauth: oauthSettings({ dcr: { enable: true, ...dcr } }),
    a: { scope: 'accounts:read client:register' },
    ...options,
  })
}

/** A certificate as it travels in a registration (RFC 8705 section 2.2.2). */
export function jwksOf({ cert }: Identity) {
  const { publicKey, raw } = new X509Certificate(cert)
  return { keys: [{ ...publicKey.export({ format: 'jwk' }), x5c: [raw.toString('base64')] }] }
}

/** The initial access token. */
export async function initialToken(world: World, scope = 'client:register'): Promise<string> {
  return (await world.token(world.a, { scope })).json.access_token
}

export interface Call extends Caller {
  token?: string | undefined
  body?: unknown
  /** In place of the JSON of `body`. */
  raw?: string | Buffer
}

/** A request with a JSON body, by client A's certificate unless told otherwise. */
export function send(world: World, method: string, path: string, call: Call): Promise<Answer> {
  const { token, body, raw = body === undefined ? undefined : JSON.stringify(body), ...by } = call
  const headers = {
    ...(raw !== undefined && { 'content-type': 'application/json' }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...by.headers,
  }
  const { port } = new URL(world.url)
  const bytes = raw === undefined ? undefined : Buffer.from(raw)
  return exchange(Number(port), method, path, bytes, {
    certificate: world.a.certificate,
    ...by,
    headers,
  })
}

/** Registers with client A's token; more fields may be given, or taken away with undefined. */
export async function register(
  world: World,
  fields: Record<string, unknown> = {},
  call: Call = {},
): Promise<Answer> {
  return send(world, 'POST', '/oauth2/register', {
    token: await initialToken(world),
    body: { client_name: 'new', jwks: jwksOf(world.certificates.stranger), ...fields },
    ...call,
  })
}

export const pathOf = ({ json }: Answer) => new URL(json.registration_client_uri).pathname
