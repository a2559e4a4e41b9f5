/**
 * The commands that make what is missing. What must be done around one so that it succeeds, and so that
 * what it makes is what the file names, is said before it.
 */
import { existsSync } from 'node:fs'
import type { ServeSettings } from './serve-settings'

/** For a server certificate or its key; both are made together, and nothing is written over. */
export function makeServerCertificate(
  { keystore: { tls }, server }: ServeSettings,
  missing: string,
): string {
  const prefix = withoutEnding(missing)
  const [certificate, key] = [`${prefix}.pem`, `${prefix}.key`]
  const inTheWay = [certificate, key].filter((file) => existsSync(file))
  return [
    ...(inTheWay.length > 0
      ? [`Move ${inTheWay.join(' and ')} away: certificate and key are made together.`]
      : []),
    ...(tls.file_name === certificate ? [] : [`Write file_name = ${JSON.stringify(certificate)}.`]),
    ...(tls.key_file_name === key ? [] : [`Write key_file_name = ${JSON.stringify(key)}.`]),
    `Make it: npx mtls-secret cert create --server --name ${server.hostname} --out ${prefix}`,
  ].join(' ')
}

/** For a truststore: a CA of one's own, to begin with. */
export function makeTruststore(missing: string): string {
  const prefix = withoutEnding(missing)
  const file = `${prefix}.pem`
  return [
    ...(missing === file ? [] : [`Write file_name = ${JSON.stringify(file)}.`]),
    `Make a CA: npx mtls-secret cert create --ca --name "Client CA" --out ${prefix}`,
  ].join(' ')
}

function withoutEnding(file: string): string {
  return file.replace(/\.[^./]+$/, '')
}
