import { openToOthers } from '../contradictions'
import type { Wso2Document } from './document'
import { ruleOf } from './keys'
import { changed, type ImportedKey, leftOut, type Outcome, told } from './outcome'

type Tables = Record<string, unknown>

/** Every key but the listeners': what our file has, and what is told of each. */
export function importKeys(wso2: Wso2Document): { settings: Tables; report: ImportedKey[] } {
  const settings: Tables = {}
  const report = wso2.leaves.map(({ key, value }) => {
    const outcome = acceptable(ruleOf(key)(value, wso2, key))
    write(settings, outcome)
    return told(key, outcome)
  })
  return { settings, report: withoutKnownPassword(settings, report) }
}

/** A value that our file may not have is left out, and the reason is what it should have been. */
function acceptable(outcome: Outcome): Outcome {
  if (Object.values(outcome.write).some((value) => elsewhere.test(String(value)))) {
    return leftOut('Its value stands elsewhere; here only a password can.')
  }
  const { settingsSchema } = require('../schema') as typeof import('../schema')
  const tables: Tables = {}
  write(tables, outcome)
  const { error } = settingsSchema.safeParse(tables)
  const issue = error?.issues.find(({ path }) => path.join('.') in outcome.write)
  return issue === undefined ? outcome : leftOut(`It must be ${issue.message}.`)
}

/** Of the environment, the JVM, the vault; what refers to another key is known by now. */
const elsewhere = /\$(\w+)?\{/

function write(settings: Tables, outcome: Outcome): void {
  for (const [key, value] of Object.entries(outcome.write)) {
    const path = key.split('.')
    const last = String(path.pop())
    let table = settings
    for (const name of path) {
      table[name] ??= {}
      table = table[name] as Tables
    }
    table[last] = value
  }
}

/** WSO2 starts with "admin" under any name; here that is refused, so a variable takes its place. */
function withoutKnownPassword(settings: Tables, report: ImportedKey[]): ImportedKey[] {
  const { settingsSchema } = require('../schema') as typeof import('../schema')
  const { server, super_admin, proxy } = settingsSchema.parse(settings)
  const open = openToOthers(server, proxy)
  if (super_admin.password_env !== undefined || (super_admin.password ?? 'admin') !== 'admin') {
    return report
  }
  if (open === undefined) return report
  const { password: _, ...kept } = super_admin
  settings.super_admin = { ...kept, password_env: 'MTLS_SECRET_ADMIN_PASSWORD' }
  const key = 'super_admin.password'
  const reason = `"admin" is known to everybody, and ${open.because}: set MTLS_SECRET_ADMIN_PASSWORD.`
  return [...report.filter((row) => row.key !== key), told(key, changed(reason))]
}
