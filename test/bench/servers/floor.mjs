/**
 * The floor: as little as a correct token endpoint can do in Node. `node:https` with its default TLS
 * settings, SHA-256 and a constant-time compare for the secret, the certificate's thumbprint, a JWT
 * put together by hand. Nobody in Node goes below it; it has no library, no log, no limits, no policy.
 *
 * `store`: where refresh tokens are: "memory", "sqlite" (WAL, synchronous = NORMAL) or "sqlite-full".
 * `workers`: 2 for node:cluster.
 */
import cluster from 'node:cluster'
import { hash, randomBytes, randomUUID, sign, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { refreshTokens } from './refresh-tokens.mjs'
import { clients, issuer, listen, ready, settings, signingKey, tlsOptions } from './world.mjs'

const { alg, scope, store = 'memory', workers = 1 } = settings
const header = part({ alg, typ: 'at+jwt', kid: 'floor' })
const signWith = { key: signingKey, dsaEncoding: 'ieee-p1363' }
const digests = new Map([...clients].map(([id, { digest }]) => [id, Buffer.from(digest)]))
const tokens = cluster.isPrimary && workers > 1 ? undefined : await refreshTokens(store, settings)
const kept = Symbol('thumbprint')

if (cluster.isPrimary && workers > 1) await lead()
else await serve()

async function serve() {
  await listen(createServer(tlsOptions, answer))
  if (cluster.isPrimary) ready({ refresh_tokens: tokens.first })
  else process.send(issuer)
}

/** The primary only hands out connections; workers that listen on 0 all get the same port. */
async function lead() {
  cluster.setupPrimary({ args: process.argv.slice(2) })
  const up = Array.from({ length: workers }, () => once(cluster.fork(), 'message'))
  const [[url]] = await Promise.all(up)
  ready({ url })
}

function answer(req, res) {
  let text = ''
  req.on('data', (chunk) => {
    text += chunk.latin1Slice(0, chunk.length)
  })
  req.on('end', () => {
    const form = parse(text)
    const client = clients.get(form.client_id)
    const thumbprint = thumbprintOf(req.socket)
    if (client === undefined || thumbprint !== client.thumbprint) return refuse(res, 401)
    const digest = Buffer.from(hash('sha256', form.client_secret ?? '', 'base64url'))
    if (!timingSafeEqual(digest, digests.get(form.client_id))) return refuse(res, 401)

    let refresh_token
    if (form.grant_type === 'refresh_token') {
      refresh_token = tokens.rotate(form.refresh_token, newToken())
      if (refresh_token === undefined) return refuse(res, 400)
    } else if (form.grant_type !== 'client_credentials') return refuse(res, 400)
    write(res, 200, {
      access_token: accessToken(form.client_id, thumbprint),
      token_type: 'Bearer',
      expires_in: 3600,
      scope,
      refresh_token,
    })
  })
}

function parse(text) {
  const form = {}
  for (const pair of text.split('&')) {
    const mark = pair.indexOf('=')
    form[decode(pair.slice(0, mark))] = decode(pair.slice(mark + 1))
  }
  return form
}

function decode(text) {
  return /[%+]/.test(text) ? decodeURIComponent(text.replaceAll('+', ' ')) : text
}

/** A connection's certificate never changes in TLS 1.3. */
function thumbprintOf(socket) {
  socket[kept] ??= hash('sha256', socket.getPeerX509Certificate()?.raw ?? '', 'base64url')
  return socket[kept]
}

function accessToken(client_id, thumbprint) {
  const iat = Math.floor(Date.now() / 1000)
  const text = `${header}.${part({
    iss: issuer,
    sub: client_id,
    aud: issuer,
    client_id,
    jti: randomUUID(),
    iat,
    nbf: iat,
    exp: iat + 3600,
    scope,
    cnf: { 'x5t#S256': thumbprint },
  })}`
  return `${text}.${sign('sha256', Buffer.from(text), signWith).toString('base64url')}`
}

function part(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function newToken() {
  return randomBytes(32).toString('base64url')
}

function refuse(res, status) {
  write(res, status, { error: status === 401 ? 'invalid_client' : 'invalid_grant' })
}

function write(res, status, body) {
  const text = JSON.stringify(body)
  res.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': text.length,
  })
  res.end(text)
}
