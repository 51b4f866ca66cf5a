import { TurnpikeError } from '../../src/core/error.ts'
import { Headers } from '../../src/core/headers.ts'
import type { BodySink, BodySource } from '../../src/engine/body.ts'

const HEADER = 5
const FRAME = 1000
export const WINDOW = 30_000

/** Frame types: what HTTP/2 has in DATA, END_STREAM with trailers, RST_STREAM and WINDOW_UPDATE. */
const DATA = 0
const END = 1
const ABORT = 2
const CANCEL = 3
const CREDIT = 4

/**
 * One end of a transport that carries many streams over one run of bytes: frames of all streams
 * interleaved, a window for each direction of each stream. In memory, and no more of a protocol than
 * bodies need: it shows that their contract asks for nothing that only HTTP/1 has.
 */
export class Multiplexed {
  private readonly streams = new Map<number, MultiplexedStream>()
  private readonly send: (bytes: Buffer) => void
  private input: Buffer = Buffer.alloc(0)

  constructor(send: (bytes: Buffer) => void) {
    this.send = send
  }

  stream(id: number): MultiplexedStream {
    let stream = this.streams.get(id)
    if (stream === undefined) {
      stream = new MultiplexedStream((type, payload) => this.frame(id, type, payload))
      this.streams.set(id, stream)
    }
    return stream
  }

  /** Takes bytes at any split. */
  receive(bytes: Buffer): void {
    this.input = Buffer.concat([this.input, bytes])
    while (this.input.length >= HEADER) {
      const end = HEADER + this.input.readUInt16BE(3)
      if (this.input.length < end) return
      const [id, type] = [this.input.readUInt16BE(0), this.input[2]!]
      const payload = this.input.subarray(HEADER, end)
      this.input = this.input.subarray(end)
      this.stream(id).receive(type, payload)
    }
  }

  /** Each stream sends one frame, so that none holds the others up; true where any had one. */
  turn(): boolean {
    let sent = false
    for (const stream of this.streams.values()) if (stream.sendFrame()) sent = true
    return sent
  }

  private frame(id: number, type: number, payload: Buffer): void {
    const bytes = Buffer.alloc(HEADER + payload.length)
    bytes.writeUInt16BE(id, 0)
    bytes[2] = type
    bytes.writeUInt16BE(payload.length, 3)
    payload.copy(bytes, HEADER)
    this.send(bytes)
  }
}

/** One end of a stream: takes a body to send, and gives the body that comes. */
export class MultiplexedStream implements BodySink, BodySource {
  readonly length = -1
  /** The sink can take more, after a `write` that returned false. */
  ready: () => void = () => {}
  /** The other end wants no more. */
  gone: () => void = () => {}
  private readonly frame: (type: number, payload: Buffer) => void
  // What is sent.
  private lent: { bytes: Buffer; at: number; end: number } | null = null
  private credit = WINDOW
  private closing: Buffer | null = null
  private sentAll = false
  // What is received.
  private sink: BodySink | null = null
  private readonly queue: Buffer[] = []
  private ending: { trailers: Headers | null } | null = null
  private failure: TurnpikeError | null = null
  private held = false
  private heldBytes = 0
  private over = false

  constructor(frame: (type: number, payload: Buffer) => void) {
    this.frame = frame
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    if (this.sentAll) return true
    if (end - start <= FRAME && this.credit >= end - start) {
      this.credit -= end - start
      this.frame(DATA, bytes.subarray(start, end))
      return true
    }
    this.lent = { bytes, at: start, end }
    return false
  }

  end(trailers: Headers | null): void {
    this.closing = Buffer.from(trailers === null ? '' : trailers.toText(), 'latin1')
  }

  abort(): void {
    this.stopSending()
    this.frame(ABORT, Buffer.alloc(0))
  }

  flush(): void {}

  start(sink: BodySink): void {
    this.sink = sink
    this.deliver()
  }

  resume(): void {
    if (!this.held) return
    this.held = false
    this.grant(this.heldBytes)
    this.deliver()
  }

  cancel(): void {
    this.over = true
    this.queue.length = 0
    this.frame(CANCEL, Buffer.alloc(0))
  }

  /** Sends one frame of what was lent, or the end; false where there is nothing to send or no credit. */
  sendFrame(): boolean {
    const { lent } = this
    if (lent === null) {
      if (this.closing === null || this.sentAll) return false
      this.sentAll = true
      this.frame(END, this.closing)
      return true
    }
    const size = Math.min(FRAME, this.credit, lent.end - lent.at)
    if (size === 0) return false
    this.credit -= size
    this.frame(DATA, lent.bytes.subarray(lent.at, lent.at + size))
    lent.at += size
    if (lent.at === lent.end) {
      this.lent = null
      this.ready()
    }
    return true
  }

  receive(type: number, payload: Buffer): void {
    if (type === CREDIT) this.credit += payload.readUInt32BE(0)
    else if (type === CANCEL) {
      this.stopSending()
      this.gone()
    } else if (!this.over) {
      if (type === DATA) this.queue.push(payload)
      else if (type === END) this.ending = { trailers: trailersOf(payload.toString('latin1')) }
      else this.failure = new TurnpikeError('ERR_UPSTREAM_TRUNCATED')
      this.deliver()
    }
  }

  private deliver(): void {
    const { sink } = this
    if (sink === null || this.over) return
    while (!this.held && this.queue.length > 0) {
      const payload = this.queue.shift()!
      if (sink.write(payload, 0, payload.length)) this.grant(payload.length)
      else {
        this.held = true
        this.heldBytes = payload.length
      }
    }
    if (this.failure !== null) {
      this.over = true
      sink.abort(this.failure)
    } else if (this.ending !== null && this.queue.length === 0 && !this.held) {
      this.over = true
      sink.end(this.ending.trailers)
    }
    sink.flush()
  }

  private grant(bytes: number): void {
    const payload = Buffer.alloc(4)
    payload.writeUInt32BE(bytes)
    this.frame(CREDIT, payload)
  }

  private stopSending(): void {
    this.sentAll = true
    this.lent = null
  }
}

function trailersOf(text: string): Headers | null {
  if (text === '') return null
  return Headers.from(
    text
      .trimEnd()
      .split('\r\n')
      .map((line): [string, string] => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon), line.slice(colon + 1).trim()]
      }),
  )
}
