/**
 * Where a key stands in a TOML document. Values come from another parser, which does not tell lines;
 * this one is slower and is loaded only when there is something to report.
 */
import type { AST } from 'toml-eslint-parser'

export type KeyPath = readonly (string | number)[]

/** The line of a key; of a missing one, that of its table; 1 when nothing else is known. */
export type Locate = (key: KeyPath) => number

export function readLines(text: string): Locate {
  const root: Place = { line: 1, below: new Map() }
  for (const node of parse(text)) {
    if (node.type === 'TOMLTable') {
      const table = placeAt(root, node.resolvedKey, lineOf(node))
      for (const pair of node.body) notePair(table, pair)
    } else {
      notePair(root, node)
    }
  }
  return (key) => {
    let place = root
    for (const part of key) {
      const next = place.below.get(part)
      if (next === undefined) break
      place = next
    }
    return place.line
  }
}

interface Place {
  line: number
  below: Map<string | number, Place>
}

function parse(text: string): (AST.TOMLKeyValue | AST.TOMLTable)[] {
  const { parseTOML } = require('toml-eslint-parser') as typeof import('toml-eslint-parser')
  try {
    return parseTOML(text, { tomlVersion: '1.1' }).body[0].body
  } catch {
    // The document was read by the stricter parser before: losing its lines must not lose its error.
    return []
  }
}

function notePair(table: Place, { key, value }: AST.TOMLKeyValue): void {
  const path = key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value))
  noteValue(placeAt(table, path, lineOf(key)), value)
}

function noteValue(place: Place, value: AST.TOMLContentNode): void {
  if (value.type === 'TOMLInlineTable') {
    for (const pair of value.body) notePair(place, pair)
  } else if (value.type === 'TOMLArray') {
    value.elements.forEach((element, index) => {
      noteValue(placeAt(place, [index], lineOf(element)), element)
    })
  }
}

/** What a path names, made where absent: a table is where it is first spoken of. */
function placeAt(from: Place, path: KeyPath, line: number): Place {
  let place = from
  for (const part of path) {
    let next = place.below.get(part)
    if (next === undefined) {
      next = { line, below: new Map() }
      place.below.set(part, next)
    }
    place = next
  }
  return place
}

const lineOf = (node: AST.TOMLNode) => node.loc.start.line
