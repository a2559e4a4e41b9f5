/**
 * The smallest program on `serve`: a few routes on a server that knows nothing but its trust set.
 * `node -r test/support/typescript.cjs tiny-service.ts DEPLOYMENT_TOML`
 */
import express from 'express'
import { openTrust } from '../../../lib/certificate/trust'
import { loadSettings } from '../../../lib/config/load-settings'
import { SetupError } from '../../../lib/error/setup-error'
import type { Log } from '../../../lib/plugin/plugin'
import { serve } from '../../../lib/service/serve'
import type { HealthReasons, Served } from '../../../lib/service/served'

async function main(file: string): Promise<void> {
  const settings = await loadSettings(file)
  const trust = await openTrust(settings.truststore)
  let reasons = (): HealthReasons => ({ degraded: [], unavailable: [] })
  let issuer = settings.server.issuer
  let target: Log | undefined
  let next = settings
  const server: Served = {
    get issuer() {
      return issuer ?? 'unknown'
    },
    listensAt(url) {
      issuer ??= url
    },
    trust,
    get chainDigest() {
      return JSON.stringify(next.event_listener)
    },
    logTo(log) {
      target = log
    },
    async health() {
      const { degraded, unavailable } = reasons()
      if (unavailable.length > 0) return { status: 'unavailable', reasons: unavailable }
      return { status: degraded.length > 0 ? 'degraded' : 'ready', reasons: degraded }
    },
    reportHealth(asked) {
      reasons = asked
    },
    async reload() {
      next = await loadSettings(file)
      await trust.reload()
    },
    announce: async () => ({ unserved: next.event_listener.length }),
    async started() {
      target?.info('started', { issuer })
    },
    async close() {
      target?.info('closed')
      if (settings.super_admin.username === 'hang')
        await new Promise(() => setInterval(() => undefined, 1000))
    },
  }

  const app = express()
  app.get('/health', async (_req, res) => void res.json(await server.health()))
  app.get('/who', (req, res) => {
    res.json({ pid: process.pid, issuer, epoch: trust.epoch, entries: trust.set.entries.size })
    req.resume()
  })
  app.post('/who', (req, res) => {
    req.resume().on('end', () => res.json({ pid: process.pid }))
  })
  app.get('/slow/:ms', (req, res) => {
    target?.info('slow')
    setTimeout(() => res.json({ done: true }), Number(req.params.ms))
  })
  app.post('/crash', (_req, res) => {
    setTimeout(() => res.json({ done: true }), 100)
    setImmediate(() => {
      throw new Error('injected\nfault')
    })
  })
  app.post('/reject', (_req, res) => {
    res.json({ done: true })
    void Promise.reject(new Error('nobody waits'))
  })
  await serve(app, server, settings)
}

main(process.argv[2] ?? '').catch((error: unknown) => {
  console.error(error instanceof SetupError ? error.message : error)
  process.exit(1)
})
