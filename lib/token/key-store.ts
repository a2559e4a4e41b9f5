/**
 * What the database knows of a signing key: never its private part, which stays in the folder.
 * The newest key that is not replaced signs; a replaced one stays published until `published_until`.
 */
export interface KeyRecord {
  /** RFC 7638 thumbprint. */
  kid: string
  alg: string
  created: number
  /** When a newer key took over; undefined: it signs. */
  replaced: number | undefined
  published_until: number | undefined
}

export interface KeyStore {
  /** All keys, newest first. */
  listKeys(): Promise<KeyRecord[]>
  /**
   * Makes `kid` the signing key in one transaction: every other is marked replaced at `now` and
   * published until `now + overlap`. A kid already known becomes the signing key again.
   */
  activateKey(key: { kid: string; alg: string }, now: number, overlap: number): Promise<void>
}
