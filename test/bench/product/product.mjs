/**
 * The product as a user runs it: the built sample app with a configuration that names nothing but
 * files and a free port. All the rest is default: SQLite with synchronous = FULL, Passport in the route,
 * a log line for each token. Its database is made, and its clients are registered, by the public API.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { built } from './built.mjs'
import { fillCrowd } from './crowd.mjs'

const require = createRequire(import.meta.url)

/** Folders that are ready, by the settings that they were made for. */
const prepared = new Map()

/** The folder with a `deployment.toml`, a database and its clients; made once for the same settings. */
export function prepareProduct(world, { crowd = { size: 1000 }, ...others }) {
  const settings = { ...others, crowd: crowd.size }
  const key = JSON.stringify(settings)
  if (!prepared.has(key)) prepared.set(key, prepare(world, settings))
  return prepared.get(key)
}

export function productCommand(folder) {
  return [
    process.execPath,
    built('sample-app/authorization-server.js'),
    '--config',
    join(folder, 'deployment.toml'),
  ]
}

async function prepare(world, settings) {
  const folder = world.subfolder(`product-${prepared.size}-data`)
  mkdirSync(join(folder, 'data'))
  const file = join(folder, 'deployment.toml')
  writeFileSync(file, deploymentToml(world, settings))
  await register(world, file, settings)
  return folder
}

function deploymentToml(world, { alg = 'ES256', workers = 1, database, keys }) {
  return `[server]
port = 0
${workers === 1 ? '' : `workers = ${workers}\n`}
[keystore.tls]
file_name = "${world.server.cert}"
key_file_name = "${world.server.key}"

[keystore.primary]
directory = "${keys ?? 'keys'}"
${alg === 'ES256' ? '' : `algorithm = "${alg}"\n`}
[truststore]
file_name = "${world.ca}"

[database]
url = "${database ?? 'sqlite:data/mtls-secret.db'}"
`
}

/** The clients that ask, and a crowd beside them. */
async function register(world, file, { crowd }) {
  const { createAuthorizationServer, loadDeployment } = require(built('lib/index.js'))
  const { openStore } = require(built('lib/store/index.js'))
  const deployment = await loadDeployment(file)
  const store = await openStore(deployment.database.url)
  const server = await createAuthorizationServer({ ...deployment, store })
  for (const { client_id, client_secret, certificate } of world.identities) {
    await server.clients.create({
      client_id,
      client_secret,
      certificate: readFileSync(certificate, 'utf8'),
      grant_types: ['client_credentials', 'password', 'refresh_token'],
      scope: world.scope,
    })
  }
  await fillCrowd(store, world.identities[0].client_id, crowd)
  await server.close()
}
