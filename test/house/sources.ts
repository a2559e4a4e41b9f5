import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative, resolve } from 'node:path'

export const root = resolve(__dirname, '../..')

export interface Source {
  /** From the root of the repository, `lib/config/lines.ts`. */
  path: string
  text: string
  /** What it imports: paths from the root for our own, the name as written for packages. */
  imports: readonly string[]
}

/** Every TypeScript file below a folder of the repository; none where the folder is absent. */
export function sourcesOf(folder: string): Source[] {
  return filesBelow(join(root, folder))
    .filter((file) => /\.m?ts$/.test(file))
    .map((file) => {
      const text = readFileSync(file, 'utf8')
      return { path: relative(root, file), text, imports: importsOf(file, text) }
    })
}

function filesBelow(folder: string): string[] {
  let entries: ReturnType<typeof entriesOf>
  try {
    entries = entriesOf(folder)
  } catch {
    return []
  }
  return entries.flatMap((entry) => {
    if (entry.name === 'node_modules') return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(path) : [path]
  })
}

const entriesOf = (folder: string) => readdirSync(folder, { withFileTypes: true })

function importsOf(file: string, text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const found = code.matchAll(/\b(?:from|import|import\(|require\()\s*'([^']+)'/g)
  return [...found].map(([, name = '']) =>
    name.startsWith('.') ? relative(root, normalize(join(dirname(file), name))) : name,
  )
}
