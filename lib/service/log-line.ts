/**
 * One event as one line: JSON for programs, words for people. Whatever the facts hold, a line stays
 * one line and a terminal hears no control sequence.
 */
import { styleText } from 'node:util'
import type { Facts } from '../plugin/plugin'

export type Level = 'info' | 'warn' | 'error'

/** `time` is ISO 8601. Facts come after `time`, `level` and `event`, and cannot replace them. */
export type LineFormat = (time: string, level: Level, event: string, facts?: Facts) => string

/** Built by hand: half the cost of `JSON.stringify` of an object made for it. */
export const jsonLine: LineFormat = (time, level, event, facts = {}) => {
  let line = `{"time":"${time}","level":"${level}","event":${quote(event)}`
  for (const name of Object.keys(facts)) {
    const value = facts[name]
    if (value === undefined) continue
    const label = labels.get(name) ?? labelOf(name)
    if (label !== '') line += label + jsonValue(value)
  }
  return `${line}}\n`
}

/** Names come from code and are few: each is quoted once. */
const labels = new Map<string, string>()
const mostLabels = 1000

/** Empty for a name that no fact may have. */
function labelOf(name: string): string {
  const label = own.has(name) ? '' : `,${quote(name)}:`
  if (labels.size < mostLabels) labels.set(name, label)
  return label
}

export const lineForPeople: LineFormat = (time, level, event, facts = {}) => {
  let line = `${paint('dim', time.slice(11, 19))} ${paint(colour[level], plain(event))}`
  for (const [name, value] of Object.entries(facts)) {
    if (value !== undefined) line += `  ${paint('dim', `${plain(name)}=`)}${plain(String(value))}`
  }
  return `${line}\n`
}

type Value = Exclude<Facts[string], undefined>

const own: ReadonlySet<string> = new Set(['time', 'level', 'event'])

/** Longer facts are cut: one line must not fill the buffer. */
const longest = 4096

const colour = { info: 'green', warn: 'yellow', error: 'red' } as const

function jsonValue(value: Value): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  if (typeof value === 'boolean') return String(value)
  return `[${value.map(quote).join(',')}]`
}

function quote(text: string): string {
  if (text.length > longest) return quote(`${text.slice(0, longest - 1)}…`)
  if (!unsafe.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(rawControls, escapeControl)
}

function plain(text: string): string {
  return text.slice(0, longest).replace(controls, escapeControl)
}

function escapeControl(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return process.env.NO_COLOR ? text : styleText(style, text)
}

// Quotes, backslashes, every control character (C1 and the line separators too, which JSON lets
// through), and surrogates, which JSON.stringify looks at one by one.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unsafe = /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]/
const rawControls = /[\u007f-\u009f\u2028\u2029]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g
