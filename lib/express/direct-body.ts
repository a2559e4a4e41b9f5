/**
 * A request that hands its body over as Node's parser finds it, past the stream in between. Most bodies come
 * with their headers in one piece; a stream would put them aside, and tell of data, end and close in turns
 * of their own: 5 µs, a twentieth of a token request.
 *
 * It is a stream like any other until `giveBodyTo`, and for whoever listens to it afterwards it ends as
 * streams do, once it is answered.
 */
import { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { BodyReader } from './read-body'

export interface DirectRequest extends IncomingMessage {
  /** False, and nothing is changed, when somebody has begun to read it, or all of it is there already. */
  giveBodyTo(reader: BodyReader): boolean
}

/** A class for requests whose prototype is nobody else's. */
export function directRequests(): typeof IncomingMessage {
  const Direct = class extends IncomingMessage implements DirectRequest {
    private bodyReader: BodyReader | undefined = undefined

    giveBodyTo(reader: BodyReader): boolean {
      const untouched = this.readableFlowing === null && this.readableLength === 0
      if (!untouched || this.complete || this.destroyed || this.isListenedTo()) return false
      this.bodyReader = reader
      return true
    }

    override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
      const reader = this.bodyReader
      if (reader === undefined) return super.push(chunk, encoding)
      if (chunk === null) reader.end()
      else reader.add(chunk)
      return true
    }

    override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
      if (!this.complete) this.bodyReader?.cutShort()
      super._destroy(error, callback)
    }

    /** Called by Node when a request is answered of which it thinks that nobody has read it. */
    _dump(): void {
      if (this.bodyReader !== undefined) {
        if (!this.isListenedTo()) return
        super.push(null)
      }
      dump.call(this)
    }

    isRead(): boolean {
      return this.bodyReader !== undefined && this.complete
    }

    private isListenedTo(): boolean {
      return this.listenerCount('end') > 0 || this.listenerCount('close') > 0
    }
  }
  // Asked by Node before it forgets a request that was answered.
  Object.defineProperty(Direct.prototype, 'readableEnded', {
    get(this: InstanceType<typeof Direct>) {
      return this.isRead() || ended?.call(this)
    },
  })
  return Direct
}

const { _dump: dump } = IncomingMessage.prototype as unknown as { _dump(): void }
const ended = Object.getOwnPropertyDescriptor(Readable.prototype, 'readableEnded')?.get
