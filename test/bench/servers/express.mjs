/** What most people would write: Express, body-parser, Passport and jsonwebtoken as they come. */
import { createServer } from 'node:https'
import bodyParser from 'body-parser'
import express from 'express'
import passport from 'passport'
import { Strategy } from 'passport-custom'
import { identify } from './identify.mjs'
import { accessToken } from './jwt.mjs'
import { listen, ready, settings, tlsOptions } from './world.mjs'

const app = express()
passport.use(
  'mtls-secret',
  new Strategy((req, done) => {
    const { client_id, client_secret } = req.body
    done(null, identify(client_id, client_secret, req.socket))
  }),
)
app.post(
  '/oauth2/token',
  bodyParser.urlencoded({ extended: false }),
  passport.authenticate('mtls-secret', { session: false }),
  (req, res) => {
    if (req.body.grant_type !== 'client_credentials') {
      return res.status(400).json({ error: 'unsupported_grant_type' })
    }
    res.set('cache-control', 'no-store')
    res.json({
      access_token: accessToken(req.user),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: settings.scope,
    })
  },
)

await listen(createServer(tlsOptions, app))
ready()
