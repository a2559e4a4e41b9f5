import { Command, InvalidArgumentError } from 'commander'
import { makeCertificate } from '../certificate/make'
import { parseCertificate } from '../certificate/parse'
import { makePkcs12 } from '../certificate/pkcs12'
import { SetupError } from '../error/setup-error'
import { certificateFacts, readCertificateFile } from './certificate-file'
import { readInput, readSecret } from './input'
import { secret, shared, writeNewFiles } from './new-file'
import { printJson } from './say'

export function cert(): Command {
  return new Command('cert')
    .description('make and show certificates; needs no configuration')
    .addCommand(certCreate())
    .addCommand(certShow())
}

interface CertOptions {
  name?: string
  out?: string
  days: number
  /** `true`: it is a CA itself; a prefix: that CA signs it. */
  ca?: string | true
  server?: true
  p12PasswordFile?: string
}

function certCreate(): Command {
  return new Command('create')
    .description('make a key and its certificate: PREFIX.key, PREFIX.pem')
    .option('--name <name>', 'the common name; must be given')
    .option('--out <prefix>', 'where the files go, none of which may exist; must be given')
    .option('--days <days>', 'how long it is valid', parseDays, 365)
    .option('--ca [prefix]', 'signed by the CA in PREFIX.pem and PREFIX.key; alone: make a CA')
    .option('--server', "for the server's side of TLS")
    .option('--p12-password-file <file>', 'a PREFIX.p12 too, under this password; - reads stdin')
    .addHelpText(
      'after',
      '\nExample:\n  mtls-secret cert create --name billing --out certs/billing',
    )
    .action(create)
}

function certShow(): Command {
  return new Command('show')
    .description('what a certificate says, and its SHA-256')
    .argument('<file>', 'PEM or DER')
    .addHelpText('after', '\nExample:\n  mtls-secret cert show certs/billing.pem')
    .action(async (file: string) => printJson(certificateFacts(await readCertificateFile(file))))
}

async function create(options: CertOptions, command: Command): Promise<void> {
  const { name, out, days, ca, server = false } = options
  if (name === undefined) return command.error('missing --name.')
  if (out === undefined) return command.error('missing --out.')
  const password = await readPassword(options.p12PasswordFile)
  const issuer = typeof ca === 'string' ? await readIssuer(ca) : undefined
  const made = makeCertificate({
    name,
    days,
    server,
    ca: ca === true,
    now: Date.now(),
    ...(issuer && { issuer }),
  })
  const files = [
    { path: `${out}.pem`, mode: shared, content: made.certificatePem },
    { path: `${out}.key`, mode: secret, content: made.keyPem },
    ...(password === undefined
      ? []
      : [
          {
            path: `${out}.p12`,
            mode: secret,
            content: await makePkcs12({ ...made, name, password }),
          },
        ]),
  ]
  const facts = certificateFacts(parseCertificate(made.certificatePem, `${out}.pem`))
  await writeNewFiles(files)
  printJson({ files: files.map(({ path }) => path), ...facts })
}

async function readPassword(file: string | undefined): Promise<string | undefined> {
  const password = file === undefined ? undefined : await readSecret(file)
  if (password !== '') return password
  throw new SetupError('The password of the PKCS12 file is empty.', 'Write at least one character.')
}

async function readIssuer(prefix: string) {
  const certificatePem = (await readInput(`${prefix}.pem`)).toString()
  const keyPem = (await readInput(`${prefix}.key`)).toString()
  return { certificatePem, keyPem }
}

function parseDays(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a whole number of days, at most 99999.')
}
