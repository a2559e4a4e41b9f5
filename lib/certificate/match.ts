import { isIP } from 'node:net'
import type { Certificate } from './certificate'
import type { AlternativeName } from './extensions'
import { ipBytes } from './ip'
import { canonicalName, parseName } from './name'

/** A name under a named CA, as it is registered (RFC 8705 section 2.1.2). */
export interface RegisteredIdentity {
  readonly kind: 'subject_dn' | 'san_dns' | 'san_uri' | 'san_ip' | 'san_email'
  readonly value: string
  /** `x5t#S256` of the CA; undefined: the truststore's only anchor. */
  readonly issuer: string | undefined
}

/**
 * Whether a certificate bears a registered name: the parsed DER against the parsed value, exactly.
 * No wildcards on either side, no splitting of display strings, no common name in place of a DNS name.
 */
export function bearsName(certificate: Certificate, identity: RegisteredIdentity): boolean {
  let matches = matchers.get(identity)
  if (matches === undefined) {
    matches = matcherOf(identity) ?? (() => false)
    matchers.set(identity, matches)
  }
  return matches(certificate)
}

/** Why a value can't be registered for its kind; undefined when it can. */
export function identityProblem(identity: RegisteredIdentity): string | undefined {
  return matcherOf(identity) === undefined ? problems[identity.kind] : undefined
}

type Matcher = (certificate: Certificate) => boolean

const matchers = new WeakMap<RegisteredIdentity, Matcher>()

const problems: Record<RegisteredIdentity['kind'], string> = {
  subject_dn: 'is not a distinguished name of RFC 4514, like CN=billing,O=Acme,C=DE',
  san_dns: 'is not a DNS name, like billing.example',
  san_uri: 'is not an absolute URI, like https://billing.example/ or urn:example:billing',
  san_ip: 'is not an IP address, like 192.0.2.1 or 2001:db8::1',
  san_email: 'is not an e-mail address, like billing@example.com',
}

/** undefined when the value is none of its kind. */
function matcherOf({ kind, value }: RegisteredIdentity): Matcher | undefined {
  switch (kind) {
    case 'subject_dn':
      return subjectMatcher(value)
    case 'san_dns':
      return dnsName.test(value) && isIP(value) === 0
        ? nameMatcher('dns', lowerCase(value), lowerCase)
        : undefined
    case 'san_uri':
      return absoluteUri.test(value) ? nameMatcher('uri', value) : undefined
    case 'san_email':
      return emailAddress.test(value)
        ? nameMatcher('email', lowerCaseDomain(value), lowerCaseDomain)
        : undefined
    case 'san_ip':
      return ipMatcher(value)
  }
}

function subjectMatcher(value: string): Matcher | undefined {
  const name = parseName(value)
  if (name === undefined) return undefined
  const wanted = canonicalName(name)
  return ({ subjectName }) => subjectName.canonical === wanted
}

function nameMatcher(
  kind: Exclude<AlternativeName['kind'], 'ip'>,
  wanted: string,
  fold = (text: string) => text,
): Matcher {
  return ({ alternativeNames }) =>
    alternativeNames.some((name) => name.kind === kind && fold(name.value) === wanted)
}

function ipMatcher(value: string): Matcher | undefined {
  const wanted = ipBytes(value)
  if (wanted === undefined) return undefined
  return ({ alternativeNames }) =>
    alternativeNames.some((name) => name.kind === 'ip' && name.value.equals(wanted))
}

const dnsName =
  /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i
const absoluteUri = /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i
const emailAddress = /^[\x21-\x3f\x41-\x7e]+@[a-z0-9.-]+$/i

/** ASCII alone: what `toLowerCase` does beyond it would make two names one. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** RFC 5280 section 7.5: the local part is compared exactly. */
function lowerCaseDomain(address: string): string {
  const at = address.lastIndexOf('@')
  return address.slice(0, at) + lowerCase(address.slice(at))
}
