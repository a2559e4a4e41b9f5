import { Agent, type RequestOptions, request } from 'node:https'
import { connect, type TLSSocket } from 'node:tls'

export interface Answer {
  status: number
  headers: NodeJS.Dict<string | string[]>
  body: Record<string, unknown>
}

export interface Asking extends RequestOptions {
  body?: string
}

/** One request, to whatever certificate the server has; a connection of its own unless an agent is given. */
export function ask(url: string, { body, ...options }: Asking = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(url, { rejectUnauthorized: false, agent: false, ...options }, (res) => {
      let text = ''
      res.on('data', (data) => {
        text += data
      })
      res.on('error', reject)
      res.on('end', () =>
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: JSON.parse(text) }),
      )
    })
    req.on('error', reject)
    req.end(body)
  })
}

export const keepAlive = () => new Agent({ keepAlive: true, maxSockets: 1 })

/** Bytes as they are; everything that comes back until the server hangs up. */
export async function raw(url: string, bytes: string | readonly string[], options = {}) {
  const socket = await secure(url, options)
  const received = collect(socket)
  for (const part of [bytes].flat()) socket.write(part)
  return received
}

export function secure(url: string, options = {}): Promise<TLSSocket> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const given = { host: hostname, port: Number(port), rejectUnauthorized: false, ...options }
    const socket = connect(given, () => resolve(socket))
    socket.on('error', reject)
  })
}

/** What arrives until the connection ends, however it ends. */
export function collect(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    socket.on('error', () => resolve(text))
    socket.on('close', () => resolve(text))
  })
}
