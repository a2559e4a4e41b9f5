import { type RequestOptions, request } from 'node:https'

export interface BoundedRequest {
  method?: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string
  /** CA certificates, PEM, for a server that no public CA stands for. */
  ca?: string | readonly string[] | undefined
  /** Our own certificate and key, PEM. */
  cert?: string | undefined
  key?: string | undefined
}

/**
 * The body of an answer with status 200, from another server of ours: it must come within two seconds and
 * stay within 256 kB, and no redirect is followed. Rejects otherwise.
 */
export function boundedRequest(url: URL, wish: BoundedRequest): Promise<string> {
  const { method = 'GET', headers, body, ca, cert, key } = wish
  const options: RequestOptions = { method, headers, timeout, signal: AbortSignal.timeout(timeout) }
  if (ca !== undefined) options.ca = [ca].flat()
  if (cert !== undefined && key !== undefined) Object.assign(options, { cert, key })
  return new Promise((resolve, reject) => {
    const req = request(url, options, (res) => {
      let text = ''
      res.setEncoding('utf8')
      res.on('data', (chunk: string) => {
        text += chunk
        if (text.length > maxLength) req.destroy(new Error(`${url.origin} sent too much.`))
      })
      res.once('end', () => {
        if (res.statusCode === 200) resolve(text)
        else reject(new Error(`${url.origin} answered with ${res.statusCode}.`))
      })
      res.once('error', reject)
    })
    req.once('error', reject)
    req.end(body)
  })
}

/** Milliseconds for the whole of it. */
const timeout = 2_000
const maxLength = 262_144
