/** @node-oauth/oauth2-server behind Express. */
import { createServer } from 'node:https'
import OAuth2Server from '@node-oauth/oauth2-server'
import bodyParser from 'body-parser'
import express from 'express'
import { bySecret, showsCertificate } from './identify.mjs'
import { accessToken } from './jwt.mjs'
import { listen, ready, settings, tlsOptions } from './world.mjs'

const app = express()
const grants = ['client_credentials']
const oauth = new OAuth2Server({
  accessTokenLifetime: 3600,
  model: {
    async getClient(client_id, client_secret) {
      const client = bySecret(client_id, client_secret)
      return client && { ...client, id: client_id, grants }
    },
    getUserFromClient: async ({ client_id }) => ({ id: client_id }),
    validateScope: async () => settings.scope.split(' '),
    generateAccessToken: async (client) => accessToken(client),
    saveToken: async (token, client, user) => ({ ...token, client, user }),
  },
})
app.post('/oauth2/token', bodyParser.urlencoded({ extended: false }), async (req, res) => {
  // Its model is not shown the connection, so the certificate is checked in front of it.
  if (!showsCertificate(req.body.client_id, req.socket)) {
    return res.status(401).json({ error: 'invalid_client' })
  }
  const response = new OAuth2Server.Response(res)
  try {
    await oauth.token(new OAuth2Server.Request(req), response)
    res.set(response.headers).status(response.status).json(response.body)
  } catch (error) {
    res.status(error.code ?? 500).json({ error: error.name })
  }
})

await listen(createServer(tlsOptions, app))
ready()
