import type { StandardSchemaV1 } from '@standard-schema/spec'

/** The handlers there are; the plugin room knows them. */
export interface KnownHandlers {
  /** Names here, by WSO2's Java class names. */
  names: Readonly<Record<string, string>>
  /** Words that `type` may be. */
  types: Readonly<Record<string, unknown>>
  handlers: readonly KnownHandler[]
}

export interface KnownHandler {
  name: string
  /** Its place in the default chain; undefined: off until listed. */
  order?: number | undefined
  properties?: StandardSchemaV1 | undefined
}
