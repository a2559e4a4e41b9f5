import { createHash, randomBytes } from 'node:crypto'
import { type Answer, openWorld, type Person, type World, type WorldOptions } from './world'

/** A world whose two clients send people to log in, and one person who can. */
export async function openPeopleWorld(options: WorldOptions = {}): Promise<World> {
  const { a = {}, b = {}, ...more } = options
  const client = (name: string) => ({
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scope: 'openid accounts:read accounts:write',
    redirect_uris: [callbackOf(name), `${callbackOf(name)}?tenant=1`],
    resources: ['https://api.example', 'https://other.example'],
  })
  const world = await openWorld({
    a: { ...client('a'), ...a },
    b: { ...client('b'), ...b },
    ...more,
  })
  await world.server.accounts.create(alice.username, alice.password)
  return world
}

/** For a test that needs a world of its own. */
export async function inPeopleWorld(
  options: WorldOptions,
  test: (world: World) => Promise<void>,
): Promise<void> {
  const world = await openPeopleWorld(options)
  try {
    await test(world)
  } finally {
    await world.close()
  }
}

export const alice = { username: 'alice', password: 'correct horse & <battery>' }

export const callbackOf = (name: string) => `https://${name}.example/callback`

/** A verifier and its S256 challenge. */
export function newPkce(): { code_verifier: string; code_challenge: string } {
  const code_verifier = randomBytes(32).toString('base64url')
  return {
    code_verifier,
    code_challenge: createHash('sha256').update(code_verifier).digest('base64url'),
  }
}

export const pkce = newPkce()

/** A good authorization request of client a, or of whom is said; an undefined field is left out. */
export function authorizationOf(
  person: Person,
  fields: Record<string, string | undefined> = {},
): Record<string, string> {
  const all = {
    client_id: person.client_id,
    response_type: 'code',
    redirect_uri: callbackOf('a'),
    code_challenge: pkce.code_challenge,
    code_challenge_method: 'S256',
    scope: 'openid accounts:read',
    state: 'state-of-a',
    nonce: 'nonce-of-a',
    ...fields,
  }
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

export const authorizePath = (fields: Record<string, string>) =>
  `/oauth2/authorize?${new URLSearchParams(fields)}`

/** What the one form of a page would post, and where. */
export interface PageForm {
  action: string
  hidden: Record<string, string>
  fields: string[]
}

export interface Visited extends Answer {
  form: PageForm | undefined
  /** Where a redirect leads. */
  location: URL | undefined
}

/** A browser as far as the protocol goes: it keeps cookies, and posts the forms that it was given. */
export function openBrowser(world: World) {
  let jar: string | undefined

  const keep = (answer: Answer): Visited => {
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [pair = '', ...attributes] = line.split('; ')
      jar = attributes.includes('Max-Age=0') ? undefined : pair
    }
    const { location } = answer.headers
    return {
      ...answer,
      form: formOf(answer.text),
      location: typeof location === 'string' ? new URL(location, world.url) : undefined,
    }
  }
  const headers = () => (jar === undefined ? {} : { cookie: jar })

  const browser = {
    get cookie() {
      return jar
    },
    set cookie(value: string | undefined) {
      jar = value
    },
    async visit(path: string): Promise<Visited> {
      return keep(await world.get(path, { headers: headers() }))
    },
    async send(
      { form }: Visited,
      fields: Record<string, string> = {},
      more: Record<string, string> = { origin: world.url },
    ): Promise<Visited> {
      if (form === undefined) throw new Error('There is no form on this page.')
      const all = { ...form.hidden, ...fields }
      return keep(await world.post(form.action, all, { headers: { ...headers(), ...more } }))
    },
    /** From the login page to the client's callback. */
    async allow(path: string): Promise<Visited> {
      const consent = await browser.send(await browser.visit(path), alice)
      return browser.send(consent, { decision: 'allow' })
    },
  }
  return browser
}

/** A code for a request of client a, by a new browser. */
export async function newCode(
  world: World,
  fields: Record<string, string | undefined> = {},
  person = world.a,
): Promise<string> {
  const path = authorizePath(authorizationOf(person, fields))
  const { location, text } = await openBrowser(world).allow(path)
  const code = location?.searchParams.get('code')
  if (typeof code === 'string') return code
  throw new Error(`There is no code in ${location}: ${text}`)
}

/** The token request that redeems a code; an empty field is left out by the server. */
export const redeem = (code: string, fields: Record<string, string> = {}) => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: callbackOf('a'),
  code_verifier: pkce.code_verifier,
  ...fields,
})

function formOf(text: string): PageForm | undefined {
  const [, action, inner] =
    /<form method="post" action="([^"]*)">([\s\S]*?)<\/form>/.exec(text) ?? []
  if (action === undefined || inner === undefined) return undefined
  const hidden: Record<string, string> = {}
  for (const [, name, value] of inner.matchAll(
    /<input type="hidden" name="([^"]*)" value="([^"]*)">/g,
  )) {
    hidden[String(name)] = String(value)
  }
  const fields = [...inner.matchAll(/<(?:input|button) name="([^"]*)"/g)].map(([, name]) => name)
  return { action, hidden, fields: fields.filter((name) => name !== undefined) }
}
