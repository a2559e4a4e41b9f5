import { bothOf, useWorld } from '../../support/conformance'

const world = useWorld()

test('the endpoint for pushed requests has no other method than POST', async () => {
  for (const [{ certificate }] of bothOf(world())) {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await world().get('/oauth2/par', { method, certificate })
      expect(answer.status).toBe(405)
      expect(answer.headers.allow).toBe('POST')
    }
  }
})
