import { openTrust } from '../certificate/trust'
import { locating, readInput } from './inputs'
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
    const prefix = file_name.replace(/\.[^./]+$/, '')
    const make = `Make a CA: npx mtls-secret cert create --ca --name "Client CA" --out ${prefix}`
    await readInput(file_name, ['truststore', 'file_name'], make)
    for (const [index, file] of crl_file_names.entries()) {
      const key = ['truststore', 'crl_file_names', index]
      await readInput(file, key, `Have the CA make it: openssl ca -gencrl -out ${file}`)
    }
    await openTrust(truststore)
  })
}
