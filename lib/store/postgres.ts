import { SetupError } from '../error/setup-error'
import type { Store } from './store'

export interface PostgresOptions {
  /** How many connections this process holds at most. */
  connections?: number
}

export function postgresStore(_url: string, _options: PostgresOptions = {}): Store {
  throw new SetupError('PostgreSQL is not there yet.', 'Use sqlite:PATH.')
}
