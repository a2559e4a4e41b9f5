/**
 * A whole authorization server: `npm start`, or `node dist/sample-app/authorization-server.js`.
 * Begin yours by copying this page.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import express from 'express'
import passport from 'passport'
import {
  createAuthorizationServer,
  loadDeployment,
  MtlsSecretStrategy,
  SetupError,
  serve,
} from '../lib'
import { openStore } from '../lib/store'
import { offerDemo } from './demo'
import { resourceServer } from './resource-server'

const usage = `Usage: npm start -- [--config PATH]

  --config PATH  a deployment.toml; relative paths in it are relative to it.
                 Without it: a development set-up of its own, made where it is missing.
  --help         this text
`

async function main(): Promise<void> {
  const { config, help } = readArguments()
  if (help) return void process.stdout.write(usage)

  const isDemo = config === undefined
  const deployment = isDemo
    ? await loadDeployment(join(home, 'deployment.toml'), { inputs: 'make' })
    : await loadDeployment(config, { inputs: 'check' })
  const { url, synchronous } = deployment.database
  const store = await openStore(url, { synchronous })
  const server = await createAuthorizationServer({ ...deployment, store })

  const app = express()
  // The token route, behind Passport: each client by the method it is registered for.
  passport.use(new MtlsSecretStrategy(server, { methods: 'enabled' }))
  app.post(
    '/oauth2/token',
    passport.authenticate('mtls-secret', { session: false, failWithError: true }),
    server.token,
  )
  // All other endpoints.
  app.use(server.router)
  // What the tokens are for: GET /me and GET /accounts.
  app.use(resourceServer(server))
  app.use((_req, res) => void res.status(404).json({ error: 'not_found' }))
  app.use(server.errorHandler)

  const service = await serve(app, server, deployment)
  if (isDemo) await offerDemo(service, server, deployment)
}

/** The folder of the sources: the build copies no settings. */
const home = join(__dirname, '../../sample-app')

function readArguments() {
  try {
    return parseArgs({ options: { config: { type: 'string' }, help: { type: 'boolean' } } }).values
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    return process.exit(2)
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof SetupError ? error.message : String(error)}\n`)
  process.exit(1)
})
