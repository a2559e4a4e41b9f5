import { openTrust } from '../certificate/trust'
import { locating, readInput } from './inputs'
import { makeTruststore } from './making'
import type { ServeSettings } from './serve-settings'
import { readServerCertificate } from './server-certificate'

/**
 * Reads them all and forgets them again, so that a server which can't start hasn't created anything.
 * Throws `SetupError` with file and line.
 */
export async function checkInputs(settings: ServeSettings): Promise<void> {
  await readServerCertificate(settings)
  const { truststore } = settings
  if (truststore === undefined) return
  await locating(settings, ['truststore', 'file_name'], async () => {
    const { file_name, crl_file_names } = truststore
    await readInput(file_name, ['truststore', 'file_name'], makeTruststore(file_name))
    for (const [index, file] of crl_file_names.entries()) {
      const key = ['truststore', 'crl_file_names', index]
      await readInput(file, key, `Have the CA make it: openssl ca -gencrl -out ${file}`)
    }
    await openTrust(truststore)
  })
}
