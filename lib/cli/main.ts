#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander'
import { OAuthError } from '../error/oauth-error'
import { messageOf } from '../error/text-of'
import { cert } from './cert'
import { client } from './client'
import { config } from './config'
import { db } from './db'
import { expiring } from './expiring'
import { keys } from './keys'
import { observed } from './observed'
import { say } from './say'
import { trust } from './trust'
import { user } from './user'

/** It did not succeed. */
const failed = 1
/** The command line itself is wrong. */
const wrongUsage = 2

// Whoever reads has heard enough: `mtls-secret client list | head -n 1`.
process.stdout.on('error', () => process.exit(failed))

void main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(withoutDashes(argv), { from: 'user' })
  } catch (error) {
    process.exitCode = exitCodeOf(error)
    if (!(error instanceof CommanderError)) say(sentenceOf(error))
  }
}

function program(): Command {
  const { version } = require('mtls-secret/package.json') as { version: string }
  const root = new Command('mtls-secret')
    .description('clients, users, certificates and keys of an mtls-secret server')
    .version(version)
    .addOption(
      new Option('--config <path>', 'the deployment.toml')
        .default('deployment.toml')
        .env('MTLS_SECRET_CONFIG'),
    )
    .addCommand(client())
    .addCommand(user())
    .addCommand(cert())
    .addCommand(trust())
    .addCommand(config())
    .addCommand(keys())
    .addCommand(db())
    .addCommand(expiring())
    .addCommand(observed())
  speakPlainly(root, root.name())
  return root
}

/** Usage errors of a command and all below it are thrown, and told in the words of every other error. */
function speakPlainly(command: Command, path: string): void {
  const outputError = (text: string) => say(`${usageError(text)} See "${path} --help".`)
  command.exitOverride().configureOutput({ outputError })
  for (const child of command.commands) speakPlainly(child, `${path} ${child.name()}`)
}

/** What was typed behind an option that doesn't exist may be a secret: it is not repeated. */
function usageError(text: string): string {
  const sentence = text
    .trim()
    .replace(/^error: /, '')
    .replace(/^missing required argument '(.*)'$/, 'missing $1')
    .replace(/unknown option '(--[\w-]+|-\w).*'/, "unknown option '$1'")
    .replace(/\s+/g, ' ')
  return /[.?)]$/.test(sentence) ? sentence : `${sentence}.`
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof CommanderError)) return failed
  return error.exitCode === 0 ? 0 : wrongUsage
}

/** What is wrong and what to do, never a stack. */
function sentenceOf(error: unknown): string {
  if (error instanceof OAuthError) {
    const { cause } = error
    return cause instanceof Error ? `${error.description} (${cause.message})` : error.description
  }
  return messageOf(error)
}

/** A thumbprint may begin with a dash; it is no option, so it goes behind `--`. */
function withoutDashes(argv: readonly string[]): string[] {
  const thumbprints = argv.filter((word) => /^-[\w-]{42}$/.test(word))
  if (thumbprints.length === 0) return [...argv]
  return [...argv.filter((word) => !thumbprints.includes(word)), '--', ...thumbprints]
}
