/** oauth2orize behind Express and Passport, as its README arranges them. */
import { createServer } from 'node:https'
import bodyParser from 'body-parser'
import express from 'express'
import { createServer as createOAuthServer, exchange } from 'oauth2orize'
import passport from 'passport'
import { Strategy } from 'passport-oauth2-client-password'
import { identify } from './identify.mjs'
import { accessToken } from './jwt.mjs'
import { listen, ready, settings, tlsOptions } from './world.mjs'

const app = express()
const oauth = createOAuthServer()
passport.use(
  new Strategy({ passReqToCallback: true }, (req, client_id, client_secret, done) => {
    done(null, identify(client_id, client_secret, req.socket))
  }),
)
oauth.exchange(
  exchange.clientCredentials((client, _scope, done) => {
    done(null, accessToken(client), null, { expires_in: 3600, scope: settings.scope })
  }),
)
app.post(
  '/oauth2/token',
  bodyParser.urlencoded({ extended: false }),
  passport.authenticate('oauth2-client-password', { session: false }),
  oauth.token(),
  oauth.errorHandler(),
)

await listen(createServer(tlsOptions, app))
ready()
