import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runScript } from './script'

/** Each `.txt` beside this file is a script; its first line says the rule. */
const scripts = readdirSync(__dirname).filter((file) => file.endsWith('.txt'))

test.each(scripts)(
  '%s',
  (file) => {
    runScript(readFileSync(join(__dirname, file), 'utf8'))
  },
  120_000,
)
