/** What tokens are for: routes that only the holder of the token's certificate may call. */
import { Router } from 'express'
import { type AuthorizationServer, requireToken } from '../lib'

/** On the same listener, so the issuer's own keys and source of certificates serve. */
export function resourceServer(server: AuthorizationServer): Router {
  const { keys, certificate, errorHandler: refuse } = server
  const issued = { issuer: () => server.issuer, keys, certificate, refuse }
  const router = Router()

  router.get('/me', requireToken(issued), (req, res) => {
    const { sub, client_id, scope } = req.token ?? {}
    res.json({ sub, client_id, scope })
  })

  router.get('/accounts', requireToken({ ...issued, scope: 'accounts:read' }), (req, res) => {
    res.json({
      accounts: [
        { id: 'checking', currency: 'EUR' },
        { id: 'savings', currency: 'EUR' },
      ],
      client_id: req.token?.client_id,
    })
  })

  return router
}
