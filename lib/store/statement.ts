import { createHash } from 'node:crypto'
import type { Compilable } from 'kysely'

/**
 * SQL is written once, in Kysely, for both engines; it is compiled at its first use and run with the
 * values of the day from then on. So the two hottest statements need no SQL of their own: what
 * Kysely costs is paid once, and the engine prepares each text once.
 */
export interface Statement<Values, Row> {
  readonly sql: string
  /** One for each text: PostgreSQL keeps the prepared statement under it. */
  readonly name: string
  /** The parameters in the order in which the text has them. */
  parameters(values: Values): unknown[]
  /** Never set: it carries the type of the rows. */
  readonly row?: Row
}

/**
 * `build` is handed placeholders in the shape of the values.
 *
 * @example
 * const findKey = statement((values: { kid: string }) =>
 *   db.selectFrom('signing_key').selectAll().where('kid', '=', values.kid))
 */
export function statement<Values extends object, Row>(
  build: (values: Values) => Compilable<Row>,
): Statement<Values, Row> {
  let compiled: Compiled | undefined
  const once = () => (compiled ??= compile(build(placeholders as Values)))
  return {
    get sql() {
      return once().sql
    },
    get name() {
      return once().name
    },
    parameters(values) {
      const given = values as Readonly<Record<string, unknown>>
      return once().parameters.map((parameter) =>
        parameter instanceof Placeholder ? (given[parameter.name] ?? null) : parameter,
      )
    },
  }
}

/** A row to insert, taken from the placeholders. */
export function rowOf<Values, Name extends keyof Values>(
  values: Values,
  names: readonly Name[],
): Pick<Values, Name> {
  return Object.fromEntries(names.map((name) => [name, values[name]])) as Pick<Values, Name>
}

/**
 * Several statements that stand or fall together, with what is decided between them. Each engine
 * drives them in its own way: SQLite without a pause, PostgreSQL over its connection.
 */
export type Steps<Result> = Generator<Step, Result, readonly unknown[]>

export interface Step {
  readonly statement: Statement<never, unknown>
  readonly parameters: unknown[]
}

/** One step: its rows. `const [won] = yield* run(spend, { digest, now })` */
export function* run<Values, Row>(
  statement: Statement<Values, Row>,
  values: Values,
): Steps<readonly Row[]> {
  const rows = yield { statement, parameters: statement.parameters(values) }
  return rows as readonly Row[]
}

interface Compiled {
  sql: string
  name: string
  parameters: readonly unknown[]
}

function compile(query: Compilable): Compiled {
  const { sql, parameters } = query.compile()
  return { sql, parameters, name: createHash('sha256').update(sql).digest('hex').slice(0, 32) }
}

class Placeholder {
  constructor(readonly name: string) {}
}

const placeholders: object = new Proxy(
  {},
  { get: (_, name) => new Placeholder(String(name)), has: () => true },
)
