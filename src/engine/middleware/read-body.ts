import { TurnpikeError } from '../../core/error.ts'
import { Headers } from '../../core/headers.ts'
import type { BodySink, BodySource } from '../body.ts'
import type { Exchange } from '../exchange.ts'

/**
 * Reads a request's whole body, for a `request` hook that needs it: empty where there is none. What comes
 * behind gets it again. Rejects with ERR_BODY_TOO_LARGE beyond `maxBytes`, and with what breaks it off.
 */
export async function readBody(exchange: Exchange, maxBytes: number): Promise<Buffer> {
  const { body } = exchange
  if (body === null) return Buffer.alloc(0)
  if (body instanceof ReadBody) return body.bytes
  if (body.length > maxBytes) throw new TurnpikeError('ERR_BODY_TOO_LARGE', { phase: 'middleware' })
  // RFC 9110 §10.1.1: whoever reads the body asks for it.
  if (exchange.expectsContinue) exchange.client.interim(100, 'Continue', new Headers())
  const { promise, resolve, reject } = Promise.withResolvers<ReadBody>()
  body.start(new BodyReader(body, maxBytes, resolve, reject))
  const read = await promise
  exchange.body = read
  return read.bytes
}

/** A body that was read: given once more, framed as it came. */
class ReadBody implements BodySource {
  readonly length: number
  readonly bytes: Buffer
  private readonly trailers: Headers | null
  private sink: BodySink | null = null

  constructor(bytes: Buffer, length: number, trailers: Headers | null) {
    this.bytes = bytes
    this.length = length
    this.trailers = trailers
  }

  start(sink: BodySink): void {
    this.sink = sink
    if (this.bytes.length === 0 || sink.write(this.bytes, 0, this.bytes.length)) this.resume()
    else sink.flush()
  }

  resume(): void {
    const { sink } = this
    this.sink = null
    sink?.end(this.trailers)
    sink?.flush()
  }

  cancel(): void {
    this.sink = null
  }
}

class BodyReader implements BodySink {
  private readonly body: BodySource
  private readonly most: number
  private readonly resolve: (read: ReadBody) => void
  private readonly reject: (error: TurnpikeError) => void
  private pieces: Buffer[] = []
  private size = 0

  constructor(
    body: BodySource,
    most: number,
    resolve: (read: ReadBody) => void,
    reject: (error: TurnpikeError) => void,
  ) {
    this.body = body
    this.most = most
    this.resolve = resolve
    this.reject = reject
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    this.size += end - start
    if (this.size <= this.most) {
      this.pieces.push(Buffer.from(bytes.subarray(start, end)))
    } else {
      this.pieces = []
      const error = new TurnpikeError('ERR_BODY_TOO_LARGE')
      this.body.cancel(error)
      this.reject(error)
    }
    return true
  }

  end(trailers: Headers | null): void {
    this.resolve(new ReadBody(Buffer.concat(this.pieces), this.body.length, trailers))
  }

  abort(error: TurnpikeError): void {
    this.reject(error)
  }

  flush(): void {}
}
