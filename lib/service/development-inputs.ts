/**
 * A development set of certificates in the places that `deployment.toml` names: a CA, the server's
 * certificate, one client's, and a truststore with that CA. What is there already is kept, and what
 * somebody else made is never touched; of our own, what is about to end is made anew.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type CertificateWish, type MadeCertificate, makeCertificate } from '../certificate/make'
import { SetupError } from '../error/setup-error'
import type { ServeSettings } from './serve-settings'

/** The CA and the client's certificate lie beside the server's, as `ca` and `client`. */
export async function makeDevelopmentInputs(settings: ServeSettings): Promise<void> {
  const { file_name, key_file_name } = settings.keystore.tls
  const folder = dirname(file_name)
  await mkdir(folder, { recursive: true })
  const ca = await look(join(folder, 'ca.pem'), join(folder, 'ca.key'))
  const leaves = [
    { ...(await look(file_name, key_file_name ?? file_name)), server: true },
    { ...(await look(join(folder, 'client.pem'), join(folder, 'client.key'))), server: false },
  ]

  const truststore = settings.truststore?.file_name
  const complete = truststore === undefined || (await exists(truststore))
  if (ca.state !== 'absent' && complete && !leaves.some(({ state }) => state !== 'kept')) return
  const newCa = ca.state === 'kept' ? undefined : await make(ca, { ca: true, name, days: caDays })
  const issuer = newCa ?? (await read(ca))
  for (const leaf of leaves) {
    // A new CA can't stand for what the old one signed.
    if (leaf.state === 'kept' && !(newCa && leaf.ours)) continue
    const wish = leaf.server ? settings.server.hostname : 'demo-client'
    await make(leaf, { name: wish, server: leaf.server, issuer, days: leafDays })
  }
  if (truststore !== undefined && (!complete || (newCa && (await isOurs(truststore))))) {
    await replace(truststore, issuer.certificatePem, 0o644)
  }
}

const name = 'mtls-secret development CA'
const caDays = 3650
const leafDays = 365
/** Made anew before `/health` begins to warn. */
const rest = 15 * 86_400_000

interface Pair {
  file: string
  keyFile: string
  /** `ended`: ours, and about to end or without its key. */
  state: 'absent' | 'kept' | 'ended'
  ours: boolean
}

async function look(file: string, keyFile: string): Promise<Pair> {
  if (!(await exists(file))) return { file, keyFile, state: 'absent', ours: true }
  const ours = await isOurs(file)
  const good = !ours || (await isUsable(file, keyFile))
  return { file, keyFile, state: good ? 'kept' : 'ended', ours }
}

async function isOurs(file: string): Promise<boolean> {
  try {
    const pem = await readFile(file, 'utf8')
    const one = pem.split('-----BEGIN ').length === 2
    return one && new X509Certificate(pem).issuer === `CN=${name}`
  } catch {
    return false
  }
}

async function isUsable(file: string, keyFile: string): Promise<boolean> {
  try {
    const certificate = new X509Certificate(await readFile(file))
    const key = createPrivateKey(await readFile(keyFile))
    return certificate.checkPrivateKey(key) && Date.parse(certificate.validTo) - Date.now() > rest
  } catch {
    return false
  }
}

async function read({ file, keyFile }: Pair): Promise<MadeCertificate> {
  try {
    return { certificatePem: await readFile(file, 'utf8'), keyPem: await readFile(keyFile, 'utf8') }
  } catch (cause) {
    throw new SetupError(
      `${keyFile} can't be read, so that ${file} can't sign what is missing.`,
      'Put its key there, or remove the CA: another is made then.',
      {},
      cause,
    )
  }
}

async function make(
  { file, keyFile }: Pair,
  wish: Omit<CertificateWish, 'now'>,
): Promise<MadeCertificate> {
  const made = makeCertificate({ ...wish, now: Date.now() })
  await replace(keyFile, made.keyPem, 0o600)
  await replace(file, made.certificatePem, 0o644)
  return made
}

/** Whole or not at all. */
async function replace(file: string, content: string, mode: number): Promise<void> {
  const next = `${file}.tmp`
  await mkdir(dirname(file), { recursive: true })
  await writeFile(next, content, { mode })
  await rename(next, file)
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
