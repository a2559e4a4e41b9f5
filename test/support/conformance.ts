import { asserted, assertionOf, newSigner, type Signer } from './assertion'
import { authorizationOf, authorizePath, callbackOf, openBrowser, openPeopleWorld } from './browser'
import { listed } from './listed'
import { openRegistrationWorld } from './registration'
import type { Answer, Caller, Person, World, WorldOptions } from './world'

/**
 * What the modules of the OpenID Foundation's conformance suite ask for, here with two clients each: A
 * does right, and B is always there to try A's things. A module's file says what must come of it; the
 * words are ours, the names the suite's (fapi2-security-profile-final, fapi1-advanced-final).
 */
export function useWorld(open: () => Promise<World> = openPeopleWorld): () => World {
  let world: World
  beforeAll(async () => {
    world = await open()
  })
  afterAll(() => world.close())
  beforeEach(() => {
    world.events.length = 0
  })
  return () => world
}

export const useRegistration = () => useWorld(openRegistrationWorld)

/** Each client with the other, so that a module is run for both. */
export const bothOf = (world: World): [Person, Person][] => [
  [world.a, world.b],
  [world.b, world.a],
]

/** A good authorization request of either client. */
export function requestOf(
  world: World,
  person: Person,
  fields: Record<string, string | undefined> = {},
): Record<string, string> {
  const name = person === world.a ? 'a' : 'b'
  const own = { redirect_uri: callbackOf(name), state: `state-of-${name}` }
  return authorizationOf(person, { ...own, ...fields })
}

/** `POST /oauth2/par` by a client, authenticated by its secret and certificate. */
export function push(
  world: World,
  person: Person,
  fields: Record<string, string | undefined> = {},
  by: Caller = {},
): Promise<Answer> {
  const { client_id, client_secret, certificate } = person
  const form = requestOf(world, person, { client_id, client_secret, ...fields })
  return world.post('/oauth2/par', form, { certificate, ...by })
}

/** Where a person's consent to a pushed request leads. */
export async function consentTo(world: World, person: Person, request_uri: string): Promise<URL> {
  const { client_id } = person
  const path = authorizePath({ client_id, request_uri })
  const { location, text } = await openBrowser(world).allow(path)
  if (location === undefined) throw new Error(`It leads nowhere: ${text}`)
  return location
}

/** A code of either client, by a pushed request. */
export async function codeOf(
  world: World,
  person: Person,
  fields: Record<string, string | undefined> = {},
): Promise<string> {
  const { request_uri } = (await push(world, person, fields)).json
  const { searchParams } = await consentTo(world, person, request_uri)
  return searchParams.get('code') ?? ''
}

/** The token request that redeems a code of either client. */
export const redemptionOf = (
  world: World,
  person: Person,
  code: string,
  code_verifier: string,
): Record<string, string> => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: callbackOf(person === world.a ? 'a' : 'b'),
  code_verifier,
})

export function expectRefused(answer: Answer, status: number, error: string): void {
  expect(answer.status).toBe(status)
  expect(answer.json).toEqual({ error, error_description: expect.any(String) })
}

/** Both clients authenticate by private_key_jwt, A with a key of `alg`. */
export function useAssertions(alg: 'ES256' | 'PS256' = 'ES256') {
  const signers = { a: newSigner(alg, { alg }), b: newSigner('ES256') }
  const method = { token_endpoint_auth_method: 'private_key_jwt' }
  const options: WorldOptions = {
    event_listener: [listed('private_key_jwt', 250)],
    a: { ...method, jwks: signers.a.jwks },
    b: { ...method, jwks: signers.b.jwks },
  }
  const world = useWorld(() => openPeopleWorld(options))
  const signerOf = (person: Person): Signer => (person === world().a ? signers.a : signers.b)
  return {
    world,
    signers,
    /** `POST /oauth2/par` with an assertion, right but for what is given. */
    push: (person: Person, claims: object = {}, by: Signer = signerOf(person)) => {
      const fields = asserted(assertionOf(world(), person, by, claims))
      const { certificate } = person
      return world().post('/oauth2/par', requestOf(world(), person, fields), { certificate })
    },
    /** A token for the client itself. */
    token: (person: Person, claims: object = {}, by: Signer = signerOf(person)) =>
      world().post(
        '/oauth2/token',
        {
          grant_type: 'client_credentials',
          ...asserted(assertionOf(world(), person, by, claims)),
        },
        { certificate: person.certificate },
      ),
  }
}
