import { TurnpikeError } from '../../src/core/error.ts'
import type { Headers } from '../../src/core/headers.ts'
import type { BodySink, BodySource } from '../../src/engine/body.ts'
import { Http1Body, type BodyFraming, type BodyOwner } from '../../src/engine/http1/http1-body.ts'
import type { WireEnd } from '../sim/wire.ts'

/** Writes one HTTP/1 body to a wire, its head in front of the first byte. */
export class WireSink implements BodySink {
  /** The wire can take more, after a `write` that returned false. */
  ready: () => void = () => {}
  /** The other side is gone. */
  gone: () => void = () => {}
  private readonly wire: WireEnd
  private readonly framing: BodyFraming
  private head: string
  private rest: Buffer[] = []
  private holds = false
  private finished = false

  constructor(wire: WireEnd, head: string, framing: BodyFraming) {
    this.wire = wire
    this.head = head
    this.framing = framing
    wire.onWritable = () => this.pump()
  }

  /** Sends the head, where no body byte is to wait for. */
  begin(): void {
    if (this.head !== '') this.rest.push(Buffer.from(this.head))
    this.head = ''
    this.pump()
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    this.begin()
    const chunked = this.framing === 'chunked'
    if (chunked) this.rest.push(Buffer.from(`${(end - start).toString(16)}\r\n`))
    this.rest.push(bytes.subarray(start, end))
    if (chunked) this.rest.push(Buffer.from('\r\n'))
    this.pump()
    this.holds = this.rest.length > 0
    return !this.holds
  }

  end(trailers: Headers | null): void {
    this.begin()
    if (this.framing === 'chunked') this.rest.push(Buffer.from(`0\r\n${trailers?.toText() ?? ''}\r\n`))
    this.finished = true
    this.pump()
  }

  abort(): void {
    this.rest = []
    this.wire.reset()
  }

  flush(): void {
    this.pump()
  }

  private pump(): void {
    while (this.rest.length > 0) {
      const first = this.rest[0]!
      const taken = this.wire.write(first)
      if (taken < 0) {
        this.rest = []
        this.gone()
        return
      }
      if (taken < first.length) {
        this.rest[0] = first.subarray(taken)
        return
      }
      this.rest.shift()
    }
    if (this.finished && this.framing === 'close') this.wire.shutdown()
    if (!this.holds) return
    this.holds = false
    this.ready()
  }
}

/** Reads one HTTP/1 head and its body from a wire. */
export class WireSource implements BodyOwner {
  head = ''
  /** Interim heads are passed over. */
  readonly source: BodySource
  private readonly end: WireEnd
  private readonly body: Http1Body
  private pending: Buffer = Buffer.alloc(0)
  private reading = false
  private over: 'end' | 'reset' | null = null

  constructor(end: WireEnd, framing: BodyFraming, length: number) {
    this.end = end
    this.body = new Http1Body(this, framing, length)
    this.source = this.body
    end.onReadable = () => this.pump()
  }

  bodyWanted(): void {
    this.pump()
  }

  bodyCancelled(): void {
    this.end.close()
  }

  private pump(): void {
    if (this.reading) return
    this.reading = true
    while (this.wantsMore() && this.readSome());
    this.reading = false
    if (this.over === null || this.body.done || this.body.held || this.pending.length > 0) return
    if (this.over === 'reset' || !this.body.ended()) this.body.abort(new TurnpikeError('ERR_UPSTREAM_TRUNCATED'))
  }

  private wantsMore(): boolean {
    return this.head === '' || this.body.open
  }

  private readSome(): boolean {
    if (this.pending.length === 0) {
      const received = this.over ?? this.end.read(16_384)
      if (received === 'nothing') return false
      if (received === 'end' || received === 'reset') {
        this.over = received
        return false
      }
      this.pending = received
    }
    if (this.head === '') return this.readHead()
    const at = this.body.feed(this.pending, 0, this.pending.length)
    this.pending = this.pending.subarray(at)
    return true
  }

  private readHead(): boolean {
    const at = this.pending.indexOf('\r\n\r\n')
    if (at < 0) {
      const more = this.end.read(16_384)
      if (typeof more === 'string') return false
      this.pending = Buffer.concat([this.pending, more])
      return true
    }
    this.head = this.pending.toString('latin1', 0, at + 4)
    this.pending = this.pending.subarray(at + 4)
    return true
  }
}
