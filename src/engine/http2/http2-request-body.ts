import type { ServerHttp2Stream } from 'node:http2'
import type { Headers } from '../../core/headers.ts'
import type { TurnpikeError } from '../../core/error.ts'
import type { BodySink, BodySource } from '../body.ts'
import { receivedTrailers } from './received-trailers.ts'

/**
 * DATA frames that may wait for a taker on one stream. Each costs a hundred bytes, however few it brings: a
 * window full of single bytes would cost seven megabytes, and a hundred such streams the process.
 */
const MAX_WAITING_FRAMES = 8192

/** The body of one HTTP/2 request. What its taker does not take stays with the client: the stream's window does not open. */
export class Http2RequestBody implements BodySource {
  readonly length: number
  /** All of it was read. */
  complete = false
  /** Bytes of content so far. */
  received = 0
  /** The sink asked to wait, or there is none yet. */
  waiting = true
  /** Nothing more comes of it. */
  private done = false
  private sink: BodySink | null = null
  private trailers: Headers | null = null
  private readonly stream: ServerHttp2Stream
  private readonly took: (bytes: number) => void
  private waitingFrames = 0

  /** `took` is told of the bytes that were read, `flooded` of more frames than may wait. */
  constructor(stream: ServerHttp2Stream, length: number, took: (bytes: number) => void, flooded: () => void) {
    this.stream = stream
    this.length = length
    this.took = took
    const push = stream.push.bind(stream)
    stream.push = (chunk: Buffer | null) => {
      if (this.waiting && ++this.waitingFrames === MAX_WAITING_FRAMES) flooded()
      return push(chunk)
    }
    stream.on('trailers', (_fields, _flags, raw: string[]) => (this.trailers = receivedTrailers(raw)))
  }

  start(sink: BodySink): void {
    this.sink = sink
    this.listen()
    // What the sink has to say before the first byte does not wait for it: it may come after a 100.
    sink.flush()
  }

  resume(): void {
    if (this.done || !this.waiting) return
    this.flow()
    this.stream.resume()
  }

  /** The rest is read and dropped, until the stream is closed. */
  cancel(): void {
    if (this.done) return
    const begun = this.sink !== null
    this.sink = dropping
    if (!begun) this.listen()
    else this.resume()
  }

  /** The rest will not come. */
  abort(error: TurnpikeError): void {
    if (this.done) return
    const { sink } = this
    this.done = true
    this.sink = null
    sink?.abort(error)
  }

  private listen(): void {
    const { stream } = this
    this.flow()
    stream.on('data', (chunk: Buffer) => this.take(chunk))
    stream.on('end', () => this.ended())
  }

  private flow(): void {
    this.waiting = false
    this.waitingFrames = 0
  }

  private take(chunk: Buffer): void {
    const { sink } = this
    if (sink === null) return
    this.received += chunk.length
    this.took(chunk.length)
    if (!sink.write(chunk, 0, chunk.length)) {
      this.waiting = true
      this.stream.pause()
    }
    sink.flush()
  }

  private ended(): void {
    const { sink, stream } = this
    // A stream that was reset ends here too: only one that was answered may be closed already.
    const wasReset = stream.aborted || stream.rstCode !== 0 || (stream.closed && !stream.headersSent)
    if (sink === null || this.done || wasReset) return
    this.done = this.complete = true
    this.sink = null
    sink.end(this.trailers)
    sink.flush()
  }
}

const dropping: BodySink = {
  write: () => true,
  end() {},
  abort() {},
  flush() {},
}
