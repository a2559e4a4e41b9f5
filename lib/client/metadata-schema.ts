/**
 * The closed set of client metadata: RFC 7591's fields that mean something here, RFC 8705's names
 * for certificates, and words of our own (`resources`, `resource_server`, `without_certificate`,
 * `tls_client_auth_issuer`). Nothing that would make the server fetch a URL is among them.
 */
import type * as zod from 'zod'
import { parseThumbprint } from '../certificate/thumbprint'
import { grantTypeProblem, isGrantType } from './grant-type'
import { redirectUriProblem, resourceProblem } from './uri'

export type MetadataSchema = ReturnType<typeof schemaBy>

/** The schema; zod is loaded with the first registration, which a running server may never see. */
export async function metadataSchema(): Promise<MetadataSchema> {
  schema ??= schemaBy(await import('zod'))
  return schema
}

let schema: MetadataSchema | undefined

function schemaBy({ z }: typeof zod) {
  const text = z
    .string()
    .min(1)
    .max(200)
    // What turns the direction of text round would let a name pass for another on the page of consent.
    .regex(
      /^[^\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\p{Bidi_Control}]*$/u,
      'has characters that nobody can see',
    )

  const uri = (problem: (uri: string) => string | undefined) =>
    z.string().superRefine((value, context) => {
      const message = problem(value)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })

  return z.strictObject({
    client_name: text.optional(),
    token_endpoint_auth_method: z
      .string()
      .regex(/^[a-z][a-z0-9._-]{0,63}$/, 'is not the name of a method')
      .default('mtls-secret'),
    grant_types: z
      .array(z.string().max(200).refine(isGrantType, grantTypeProblem))
      .min(1)
      .max(20)
      .refine(noneTwice, 'has a grant twice')
      .default(['client_credentials']),
    scope: z
      .string()
      .max(4_000)
      .regex(scopes, 'must be names separated by one space (RFC 6749 section 3.3)')
      .refine((scope) => noneTwice(scope.split(' ')), 'has a name twice')
      .default(''),
    redirect_uris: z.array(uri(redirectUriProblem)).max(20).default([]),
    resources: z.array(uri(resourceProblem)).max(50).default([]),
    resource_server: uri(resourceProblem).optional(),
    jwks: z
      .strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(10) })
      .optional(),
    tls_client_auth_subject_dn: z.string().max(1_000).optional(),
    tls_client_auth_san_dns: z.string().max(1_000).optional(),
    tls_client_auth_san_uri: z.string().max(1_000).optional(),
    tls_client_auth_san_ip: z.string().max(1_000).optional(),
    tls_client_auth_san_email: z.string().max(1_000).optional(),
    /** The `x5t#S256` of the CA under which the name counts. */
    tls_client_auth_issuer: z
      .string()
      .refine((text) => parseThumbprint(text) === text, 'is not an x5t#S256')
      .optional(),
    without_certificate: z.boolean().default(false),
  })
}

/** RFC 6749 section 3.3: visible ASCII but `"` and `\`. */
const scopes = /^(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?$/

function noneTwice(words: readonly string[]): boolean {
  return new Set(words).size === words.length
}
