import { SetupError } from '../error/setup-error'
import { readCertificateFile } from './certificate-file'
import type { Deployment } from './deployment'
import { say } from './say'
import { trustOf } from './trust'

/**
 * A registered certificate is a pin and never an anchor. Where that makes a CA of the truststore a
 * client's own, whom it signed is believed no more: who named the wrong file must hear of it.
 */
export async function tellingLostAnchors<T>(
  { store, settings }: Pick<Deployment, 'store' | 'settings'>,
  files: readonly string[],
  register: () => Promise<T>,
): Promise<T> {
  const cas = (await Promise.all(files.map(readCertificateFile))).filter(({ isCa }) => isCa)
  const before = cas.length === 0 ? [] : await anchorsOf(store, settings)
  const registered = await register()
  for (const { subject, thumbprint } of cas) {
    if (!before.includes(thumbprint)) continue
    say(`${subject} is no CA of the truststore any more, but this client’s own certificate.`)
  }
  return registered
}

async function anchorsOf(...[store, settings]: Parameters<typeof trustOf>): Promise<string[]> {
  try {
    return (await trustOf(store, settings)).anchors.map(({ thumbprint }) => thumbprint)
  } catch (error) {
    // The truststore has its own commands, which tell what is wrong with it.
    if (error instanceof SetupError) return []
    throw error
  }
}
