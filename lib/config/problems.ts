/**
 * From what zod found to sentences for the operator: what is wrong, and what to do. A password is
 * never repeated, and neither is a URL, which may hold one.
 */
import type { z } from 'zod'
import { didYouMean } from '../error/did-you-mean'
import type { KeyPath } from './lines'

export interface Problem {
  key: KeyPath
  problem: string
  fix: string
}

/** What may be written at a key, as far as a sentence needs it. */
export interface KeySchema {
  properties?: Record<string, KeySchema>
  items?: KeySchema
  enum?: unknown[]
  default?: unknown
}

export type SchemaAt = (key: KeyPath) => KeySchema | undefined

/** One key that zod refuses. Its sentences are made for the one that is told, not for all. */
export interface Finding {
  key: KeyPath
  issue: z.core.$ZodIssue
  found: unknown
}

/** What an issue finds in `document`, key by key. */
export function findingsOf(issue: z.core.$ZodIssue, document: unknown): Finding[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  const keys =
    issue.code === 'unrecognized_keys' ? issue.keys.map((name) => [...path, name]) : [path]
  return keys.map((key) => ({ key, issue, found: valueAt(document, key) }))
}

export function describeFinding({ key, issue, found }: Finding, schemaAt: SchemaAt): Problem {
  if (issue.code === 'unrecognized_keys') return unknownKey(key, schemaAt)
  if (issue.code === 'invalid_type' && issue.expected === 'object') {
    return {
      key,
      problem: `${tableName(key)} must be a table, found ${show(found, key)}.`,
      fix: `Write ${bracketed(key)}, and its keys below.`,
    }
  }
  if (found === undefined) {
    return {
      key,
      problem: `${keyName(key)} is missing.`,
      fix: `Write ${key.at(-1)}, ${issue.message}.`,
    }
  }
  return {
    key,
    problem: `${keyName(key)} must be ${issue.message}, found ${show(found, key)}.`,
    fix: correction(found, schemaAt(key)),
  }
}

function unknownKey(key: KeyPath, schemaAt: SchemaAt): Problem {
  const table = key.slice(0, -1)
  const name = String(key.at(-1))
  const where = table.length === 0 ? 'The file' : bracketed(table)
  const known = Object.keys(schemaAt(table)?.properties ?? {})
  const meant = didYouMean(name, known)
  return {
    key,
    problem: `${where} has no key or table ${shorten(name)}.`,
    fix: meant === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean ${meant}?`,
  }
}

function correction(found: unknown, schema: KeySchema | undefined): string {
  const words = (schema?.enum ?? []).map(String)
  const meant = typeof found === 'string' ? didYouMean(found, words) : undefined
  if (meant !== undefined) return `Did you mean ${JSON.stringify(meant)}?`
  if (schema?.default === undefined || typeof schema.default === 'object') return 'Correct it.'
  return `Correct it, or leave it out for ${JSON.stringify(schema.default)}.`
}

/** `[server] port`, `[[event_listener]] order`, `plugins[0]`. */
function keyName(key: KeyPath): string {
  const item = typeof key.at(-1) === 'number' ? `[${key.at(-1)}]` : ''
  const path = item === '' ? key : key.slice(0, -1)
  const table = path.slice(0, -1)
  return `${table.length === 0 ? '' : `${bracketed(table)} `}${path.at(-1)}${item}`
}

function bracketed(table: KeyPath): string {
  return typeof table.at(-1) === 'number' ? `[[${tableName(table)}]]` : `[${tableName(table)}]`
}

function tableName(table: KeyPath): string {
  return table.filter((part) => typeof part === 'string').join('.')
}

function valueAt(document: unknown, key: KeyPath): unknown {
  let value = document
  for (const part of key) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string | number, unknown>)[part]
  }
  return value
}

function show(value: unknown, key: KeyPath): string {
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Date) return 'a date'
  if (typeof value === 'object') return 'a table'
  if (key.includes('password') || key.includes('url')) {
    return typeof value === 'string' ? 'another text' : `a ${typeof value}`
  }
  return typeof value === 'string' ? shorten(value) : String(value)
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
