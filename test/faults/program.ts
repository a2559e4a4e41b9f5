/**
 * A whole server whose process can be asked to fail: `node -r test/support/typescript.cjs program.ts
 * DEPLOYMENT_TOML`. Beside the server's own endpoints it has `/fault/…`, for the tests alone.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import express from 'express'
import {
  createAuthorizationServer,
  loadDeployment,
  requireToken,
  SetupError,
  serve,
} from '../../lib'
import { openStore } from '../../lib/store'
import { familyGrant } from '../support/family-grant'

async function main(file: string): Promise<void> {
  const deployment = await loadDeployment(file, { inputs: 'check' })
  const store = await openStore(deployment.database.url)
  const plugins = [...deployment.plugins, familyGrant]
  const server = await createAuthorizationServer({ ...deployment, plugins, store })
  const app = express()
  app.use(server.router)
  app.get(
    '/me',
    requireToken({ issuer: () => server.issuer, keys: server.keys }),
    (req, res) => void res.json(req.token),
  )
  app.use('/fault', faults())
  app.use(server.errorHandler)
  await serve(app, server, deployment)
}

function faults(): express.Router {
  const router = express.Router()
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const filler = 'filler'

  /** The longest that the event loop stood still since it was last asked, in milliseconds. */
  router.get('/standstill', (_req, res) => {
    res.json({ milliseconds: Math.round(delay.max / 1e6), rss: process.memoryUsage.rss() })
    delay.reset()
  })
  router.get('/slow/:ms', (req, res) => {
    setTimeout(() => res.json({ pid: process.pid }), Number(req.params.ms))
  })
  router.post('/burn/:ms', (req, res) => {
    for (const until = Date.now() + Number(req.params.ms); Date.now() < until; );
    res.json({})
  })
  router.post('/throw', (_req, res) => {
    setTimeout(() => res.json({ pid: process.pid }), 100)
    setImmediate(() => {
      throw new Error('injected')
    })
  })
  router.post('/reject', (_req, res) => {
    res.json({ pid: process.pid })
    void Promise.reject(new Error('injected'))
  })
  /** Fills the disk that the current folder is on. */
  router.post('/fill', (_req, res) => {
    for (const size of [65_536, 4_096, 512]) {
      for (;;) {
        try {
          writeFileSync(filler, Buffer.alloc(size), { flag: 'a' })
        } catch {
          break
        }
      }
    }
    res.json({})
  })
  router.post('/free', (_req, res) => {
    rmSync(filler)
    res.json({})
  })
  return router
}

main(process.argv[2] ?? '').catch((error: unknown) => {
  process.stderr.write(`${error instanceof SetupError ? error.message : error}\n`)
  process.exit(1)
})
