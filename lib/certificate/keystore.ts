import { isDer, readPem } from './parse'

/** A certificate of a store, not parsed yet. */
export interface StoreEntry {
  /** The alias, or the place in the file. */
  readonly label: string
  readonly der: Buffer
}

/** The certificates of a truststore. Throws `SetupError`. */
export async function readTrustEntries(
  bytes: Buffer,
  _password: string | undefined,
  what: string,
): Promise<StoreEntry[]> {
  const ders = isDer(bytes) ? [bytes] : readPem(bytes.toString(), what)
  return ders.map((der, index) => ({ label: `certificate ${index + 1}`, der }))
}
