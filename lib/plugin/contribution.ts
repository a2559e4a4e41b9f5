import { isGrantType } from '../client/grant-type'
import { didYouMean } from '../error/did-you-mean'
import { SetupError } from '../error/setup-error'
import type { Link } from './chain'
import type { EventName } from './events'
import type { ClientAuth, Contribution, GrantHandler, Listener } from './plugin'

/**
 * What `setup` gave, looked at before anything depends on it: a misspelt `authentcate` or `onIssue`
 * would otherwise be a handler that is silently never asked.
 * Throws `SetupError` naming the plugin.
 */
export function checkContribution(link: Link, contribution: unknown): Contribution {
  const { name } = link.plugin
  if (!isObject(contribution)) {
    throw wrong(link, `Plugin "${name}" gives nothing.`, 'Its setup must return an object.')
  }
  checkKeys(link, 'setup', contribution, contributionKeys)
  const { clientAuth, grant, listener, warnings = [] } = contribution as Contribution
  if (clientAuth === undefined && grant === undefined && listener === undefined) {
    throw wrong(
      link,
      `Plugin "${name}" gives no clientAuth, grant or listener.`,
      'Its setup must return at least one.',
    )
  }
  checkType(link, { 'client-auth': clientAuth, grant, listener })
  if (clientAuth !== undefined) checkClientAuth(link, clientAuth)
  if (grant !== undefined) checkGrant(link, grant)
  if (listener !== undefined) checkListener(link, listener)
  if (!isListOfText(warnings)) throw wrongPart(link, 'warnings', 'a list of sentences')
  return contribution
}

export const contributionKeys = ['clientAuth', 'grant', 'listener', 'warnings', 'close']
const clientAuthKeys = ['recognise', 'authenticate', 'secretInQuery', 'needs']
const grantKeys = ['grant_type', 'parameters', 'decide']
export const eventNames: readonly EventName[] = [
  'beforeIssue',
  'issued',
  'rejected',
  'revoked',
  'reuseDetected',
  'reloaded',
  'started',
  'stopped',
]

/** The entry's `type`, where it says one, against what there is. */
function checkType(link: Link, given: Record<string, unknown>): void {
  if (link.type === 'any' || given[link.type] !== undefined) return
  const types = Object.keys(given).filter((type) => given[type] !== undefined)
  throw wrong(
    link,
    `"${link.plugin.name}" is not a handler of type "${link.type}".`,
    `Write one of: ${types.join(', ')}.`,
    'type',
  )
}

function checkClientAuth(link: Link, clientAuth: ClientAuth): void {
  checkKeys(link, 'clientAuth', clientAuth, clientAuthKeys)
  const { recognise, authenticate, secretInQuery = false, needs } = clientAuth
  checkFunctions(link, { 'clientAuth.recognise': recognise })
  checkFunctions(link, { 'clientAuth.authenticate': authenticate })
  if (typeof secretInQuery !== 'boolean') {
    throw wrongPart(link, 'clientAuth.secretInQuery', 'true or false')
  }
  if (needs !== undefined) checkFunctions(link, { 'clientAuth.needs': needs })
}

function checkGrant(link: Link, grant: GrantHandler): void {
  checkKeys(link, 'grant', grant, grantKeys)
  checkFunctions(link, { 'grant.decide': grant.decide })
  if (typeof grant.grant_type !== 'string' || !isGrantType(grant.grant_type)) {
    throw wrongPart(link, 'grant.grant_type', 'a URI, like "urn:acme:x"')
  }
  if (!isListOfText(grant.parameters ?? [])) {
    throw wrongPart(link, 'grant.parameters', 'a list of parameter names')
  }
}

function checkListener(link: Link, listener: Listener): void {
  checkKeys(link, 'listener', listener, eventNames)
  for (const [event, hear] of Object.entries(listener)) {
    if (hear !== undefined) checkFunctions(link, { [`listener.${event}`]: hear })
  }
}

function checkKeys(link: Link, what: string, given: unknown, known: readonly string[]): void {
  if (!isObject(given)) throw wrongPart(link, what, 'an object')
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const meant = didYouMean(name, known)
    throw wrong(
      link,
      `Plugin "${link.plugin.name}": ${what} has no "${name}".`,
      meant === undefined ? `It may have ${known.join(', ')}.` : `Write ${meant}.`,
    )
  }
}

function checkFunctions(link: Link, functions: Record<string, unknown>): void {
  for (const [what, value] of Object.entries(functions)) {
    if (typeof value !== 'function') throw wrongPart(link, what, 'a function')
  }
}

function isListOfText(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function wrongPart(link: Link, what: string, mustBe: string): SetupError {
  return wrong(
    link,
    `Plugin "${link.plugin.name}": ${what} must be ${mustBe}.`,
    'Correct the plugin.',
  )
}

function wrong(link: Link, problem: string, fix: string, ...key: string[]): SetupError {
  return new SetupError(problem, fix, link.key.length > 0 ? { key: [...link.key, ...key] } : {})
}
