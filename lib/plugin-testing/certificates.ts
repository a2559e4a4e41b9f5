import { makeCertificate } from '../certificate/make'
import { parseCertificate } from '../certificate/parse'
import type { Identity } from './options'

/** A CA, a server and three clients of it, made once: keys cost more than requests. */
export interface Certificates {
  readonly ca: string
  readonly server: Identity
  readonly a: Identity
  readonly b: Identity
  /** Good, and registered for nobody. */
  readonly stranger: Identity
}

let made: Certificates | undefined

export function testCertificates(): Certificates {
  made ??= make()
  return made
}

/** `x5t#S256` */
export function thumbprintOf({ cert }: Identity): string {
  return parseCertificate(cert, 'the test certificate').thumbprint
}

function make(): Certificates {
  const now = Date.now()
  const issuer = makeCertificate({ name: 'Plugin Test CA', ca: true, now })
  const identity = (name: string, server = false): Identity => {
    const { certificatePem, keyPem } = makeCertificate({ name, server, issuer, now })
    return { cert: certificatePem, key: keyPem }
  }
  return {
    ca: issuer.certificatePem,
    server: identity('localhost', true),
    a: identity('client-a'),
    b: identity('client-b'),
    stranger: identity('stranger'),
  }
}
