import { request } from 'node:https'
import { testCertificates } from './certificates'
import type { Answer, Identity } from './options'

export interface Sending {
  /** The form's fields in order, or a body as it is. */
  form: Record<string, string> | readonly (readonly [string, string])[]
  headers?: Record<string, string> | undefined
  certificate?: Identity | undefined
}

/** A form to a path, on a TLS connection of its own; its whole answer. */
export function send(url: string, path: string, sending: Sending): Promise<Answer> {
  const { form, headers, certificate } = sending
  const fields = Array.isArray(form) ? form : Object.entries(form)
  const body = new URLSearchParams(fields as [string, string][]).toString()
  return new Promise((resolve, reject) => {
    const req = request(
      new URL(path, url),
      {
        method: 'POST',
        host: '127.0.0.1',
        servername: 'localhost',
        agent: false,
        ca: testCertificates().ca,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(body),
          ...headers,
        },
        ...certificate,
      },
      (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk) => chunks.push(chunk))
        res.once('error', reject)
        res.once('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({ status: res.statusCode ?? 0, headers: res.headers, text, body: read(text) })
        })
      },
    )
    req.once('error', reject)
    req.end(body)
  })
}

function read(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
