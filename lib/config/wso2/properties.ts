import type { KnownHandler } from './known-handlers'
import { changed, leftOut, type Outcome, used } from './outcome'

/** One property of a handler: kept where the handler's own schema takes it. */
export async function importProperty(
  name: string,
  value: unknown,
  handler: KnownHandler,
): Promise<Outcome> {
  const outcome = name === 'MandateMutualSSL' ? importMandate(value) : asItIs(name, value)
  if (handler.properties === undefined) return leftOut(`${handler.name} has no properties here.`)
  const { issues } = await handler.properties['~standard'].validate(outcome.write)
  return issues === undefined
    ? outcome
    : leftOut(`${handler.name} has no such property here, or not with such a value.`)
}

const asItIs = (name: string, value: unknown) => used('The same property here.', { [name]: value })

/**
 * WSO2 reads every text but "true" as false, so that `"yes"` turns the check off that it asks for.
 * What says no stays no; everything else is what its author must have meant.
 */
function importMandate(value: unknown): Outcome {
  if (String(value) === 'true' || String(value) === 'false') {
    return used('The same property here.', { MandateMutualSSL: String(value) === 'true' })
  }
  const says = !/^(false|no|off|0|)$/i.test(String(value).trim())
  const read = /^true$/i.test(String(value)) ? 'true' : 'false'
  return changed(`WSO2 reads ${JSON.stringify(value)} as ${read}; it is written as ${says}.`, {
    MandateMutualSSL: says,
  })
}
