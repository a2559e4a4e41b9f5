/** The requests that the load client sends, as text ready for the socket. */

/** What a slot asks for next, and what it makes of an answer: an error, or nothing. */
export const tokenRequests = {
  client_credentials({ identity, ...settings }) {
    const text = requestText({
      ...settings,
      parameters: {
        grant_type: 'client_credentials',
        scope: settings.scope,
        ...credentials(identity),
      },
    })
    return { next: () => text, answered: () => undefined }
  },

  /** Each answer's refresh token is what the next request spends. */
  refresh_token({ identity, token, ...settings }) {
    let current = token
    return {
      next: () =>
        requestText({
          ...settings,
          parameters: {
            grant_type: 'refresh_token',
            refresh_token: current,
            ...credentials(identity),
          },
        }),
      answered({ refresh_token }) {
        if (typeof refresh_token !== 'string' || refresh_token === current) {
          return new Error('the refresh token was not replaced')
        }
        current = refresh_token
        return undefined
      },
    }
  },

  /** Every request is another client's; all of them share a secret and a certificate. */
  any_client({ identity, crowd, seed, ...settings }) {
    const { size, asking = size, skewed } = crowd
    const pick = skewed ? zipf(asking, random(seed)) : uniform(asking, random(seed))
    return {
      next: () =>
        requestText({
          ...settings,
          parameters: {
            grant_type: 'client_credentials',
            scope: settings.scope,
            client_id: crowdName(pick()),
            client_secret: identity.client_secret,
          },
        }),
      answered: () => undefined,
    }
  },
}

export function requestText({ host, port, method = 'POST', path = '/oauth2/token', ...rest }) {
  const { parameters, close } = rest
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\n${close ? 'Connection: close\r\n' : ''}`
  if (parameters === undefined) return `${head}\r\n`
  const body = form(parameters)
  return (
    `${head}Content-Type: application/x-www-form-urlencoded\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  )
}

/** The client_id of the n-th of a crowd. */
export function crowdName(index) {
  return `crowd-${index.toString(36).padStart(6, '0')}`
}

function credentials({ client_id, client_secret }) {
  return { client_id, client_secret }
}

function form(parameters) {
  let text = ''
  for (const name of Object.keys(parameters)) {
    text += `${text === '' ? '' : '&'}${name}=${encodeURIComponent(parameters[name])}`
  }
  return text
}

function uniform(size, next) {
  return () => Math.floor(next() * size)
}

/** The n-th most popular of them is asked for in proportion to 1 ÷ n. */
function zipf(size, next) {
  // Inverse of the integral of 1 ÷ x: close enough to the sum, and costs one power.
  return () => Math.min(size - 1, Math.floor((size + 1) ** next()) - 1)
}

/** Mulberry32: the same order of requests in each run. */
function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
