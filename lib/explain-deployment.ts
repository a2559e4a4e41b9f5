import { located } from './config/located'
import { loadDeployment } from './load-deployment'
import { type Capabilities, capabilitiesOf } from './plugin/capabilities'
import { composeChain } from './plugin/chain'
import { openRegistry } from './plugin/registry'
import { type Explanation, explainChain, type Finding } from './server/explain'
import { peekClients } from './store/peek'

/** An explanation of a file that nobody serves yet. */
export interface ExplainedDeployment extends Explanation {
  readonly file: string
  /** Why clients could not be counted. */
  readonly uncounted: string | undefined
  /** The line of the file in which a finding stands. */
  lineOf(finding: Finding): number | undefined
}

/**
 * Sets the chain of a `deployment.toml` up as a start would, without serving it, and explains it.
 * Nothing is created, migrated or reached over the network but the database, which is only read.
 * Throws `SetupError` for everything that a start would refuse in the file.
 */
export async function explainDeployment(file: string): Promise<ExplainedDeployment> {
  const deployment = await loadDeployment(file)
  const { plugins, event_listener, database, locate } = deployment
  const registry = await located(deployment, () =>
    openRegistry(composeChain(plugins, event_listener), idle(deployment.issuer)),
  )
  try {
    const peek = await peekClients(database.url)
    const groups = 'clients' in peek ? peek.clients : undefined
    return {
      ...(await explainChain({ registry, plugins, settings: deployment, groups })),
      file,
      uncounted: 'unknown' in peek ? peek.unknown : undefined,
      lineOf: ({ key }) => (key === undefined ? undefined : writtenAt(key, locate(key).line)),
    }
  } finally {
    await registry.close()
  }
}

/** What is not written has no line: of a key that is absent everywhere, the first is told. */
function writtenAt([table]: NonNullable<Finding['key']>, line: number | undefined) {
  return line === 1 && table !== 'event_listener' ? undefined : line
}

/** A plugin is set up but never asked: there is nothing behind what it is given. */
function idle(issuer = 'https://localhost'): Capabilities {
  const nothing = () => Promise.reject(new Error('The configuration is only looked at.'))
  return capabilitiesOf({
    store: { findRefreshToken: nothing, findCode: nothing, seen: nothing },
    accounts: { verify: nothing },
    clock: Date,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    urls: { issuer, token_endpoints: [`${issuer}/oauth2/token`] },
  })
}
