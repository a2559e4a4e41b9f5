/**
 * A name in a certificate means something only under the CA that checks it (RFC 8705 section 7.4),
 * so a client is registered with both; with a single CA in the truststore there is no choice.
 */
import { unfitness } from '../certificate/authorities'
import { issuersOf } from '../certificate/chain'
import type { Trust } from '../certificate/trust'
import type { DeploymentSettings } from '../config/deployment'
import { SetupError } from '../error/setup-error'
import type { Store } from '../store/store'
import { readCertificateFile } from './certificate-file'
import { trustOf } from './trust'

/** `x5t#S256` of the CA: of `file`, or the truststore's only anchor. Throws `SetupError`. */
export async function tlsIssuer(
  store: Store,
  settings: DeploymentSettings,
  file: string | undefined,
): Promise<string> {
  if (settings.truststore === undefined) {
    throw new SetupError(
      'There is no [truststore], so no CA vouches for a name.',
      'Add one, or register the certificate itself with --cert.',
      { file: settings.file },
    )
  }
  const trust = await trustOf(store, settings)
  return file === undefined ? onlyAnchor(trust, settings) : named(trust, file)
}

function onlyAnchor({ anchors }: Trust, { truststore }: DeploymentSettings): string {
  const [anchor] = anchors
  if (anchor !== undefined && anchors.length === 1) return anchor.thumbprint
  throw new SetupError(
    `${truststore?.file_name} has ${anchors.length} CAs at which a chain may end.`,
    anchor === undefined ? 'See "mtls-secret trust list".' : 'Name one with --tls-issuer FILE.',
  )
}

async function named({ set }: Trust, file: string): Promise<string> {
  const certificate = await readCertificateFile(file)
  const problem = unfitness(certificate)
  if (problem !== undefined)
    throw new SetupError(`${file}: ${problem}`, 'Name the CA’s certificate.')
  const { authorities } = set
  const known = [...authorities.anchors, ...authorities.intermediates]
  const isIn = known.some(({ thumbprint }) => thumbprint === certificate.thumbprint)
  if (isIn || issuersOf(certificate, authorities).length > 0) return certificate.thumbprint
  throw new SetupError(
    `${file} is neither in the truststore nor signed by a CA that is.`,
    'Add it to the truststore first.',
  )
}
