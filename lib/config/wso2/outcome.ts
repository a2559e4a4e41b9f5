/** What became of one key of WSO2's file. */
export interface ImportedKey {
  key: string
  outcome: 'used' | 'changed' | 'left out'
  reason: string
}

/** What is said of a key, and what is written for it: our keys with their values. */
export interface Outcome extends Omit<ImportedKey, 'key'> {
  write: Readonly<Record<string, unknown>>
}

export const used = (reason: string, write: Outcome['write'] = {}): Outcome => ({
  outcome: 'used',
  reason,
  write,
})

export const changed = (reason: string, write: Outcome['write'] = {}): Outcome => ({
  outcome: 'changed',
  reason,
  write,
})

export const leftOut = (reason: string): Outcome => ({ outcome: 'left out', reason, write: {} })

export const told = (key: string, { outcome, reason }: Outcome): ImportedKey => ({
  key,
  outcome,
  reason,
})
