import { TurnpikeError } from '../../core/error.ts'
import { ResponseHeadParser } from '../../wire/http1/response-head.ts'
import type { BodySink } from '../body.ts'
import type { Dialled, StreamEvents } from '../dial/dialled.ts'
import { ownRequestHead } from '../http1/egress.ts'
import { Http1Body, type BodyOwner } from '../http1/http1-body.ts'
import type { Inquiry, InquiryEvents, OwnRequest } from './inquiry.ts'
import { KeptBody } from './kept-body.ts'

const replyLimits = { headBytes: 64 * 1024, headerCount: 200, targetBytes: 0 }
const MAX_INTERIM = 16

/** Asks by HTTP/1.1. */
export class Http1Inquiry implements Inquiry, StreamEvents, BodyOwner, BodySink {
  private readonly dialled: Dialled
  private readonly method: string
  private readonly events: InquiryEvents
  private readonly parser = new ResponseHeadParser(replyLimits)
  private body: Http1Body | null = null
  private readonly kept = new KeptBody()
  private status = 0
  private interims = 0
  private over = false

  constructor(dialled: Dialled, request: OwnRequest, events: InquiryEvents) {
    this.dialled = dialled
    this.method = request.method
    this.events = events
    dialled.attach(this)
    dialled.socket.write(ownRequestHead(request), 'latin1')
  }

  get answering(): boolean {
    return this.body !== null
  }

  close(): void {
    this.over = true
    this.dialled.abandon()
  }

  // The reply.

  read(length: number, buffer: Buffer): boolean {
    let at = 0
    while (at < length && !this.over) {
      if (this.body === null) {
        at = this.parser.read(buffer, at, length)
        if (at === -1) break
        if (at === -2) this.fail(this.parser.error)
        else this.headRead()
        continue
      }
      at = this.body.feed(buffer, at, length)
      if (this.body.fault !== null) this.fail(new TurnpikeError('ERR_UPSTREAM_CHUNK'))
      else if (this.body.done || this.kept.full) this.answer()
    }
    return true
  }

  nextBuffer(): Buffer | null {
    return null
  }

  ended(): void {
    if (this.body === null) this.fail(new TurnpikeError('ERR_UPSTREAM_CLOSED'))
    else if (this.body.ended()) this.answer()
    else this.fail(new TurnpikeError('ERR_UPSTREAM_TRUNCATED'))
  }

  failed(cause: Error): void {
    this.fail(new TurnpikeError(this.body === null ? 'ERR_UPSTREAM_CLOSED' : 'ERR_UPSTREAM_ABORT', { cause }))
  }

  closed(): void {
    this.failed(new Error('the connection closed'))
  }

  // Its body.

  write(bytes: Buffer, start: number, end: number): boolean {
    this.kept.add(bytes, start, end)
    return true
  }

  end(): void {}

  abort(): void {}

  flush(): void {}

  bodyWanted(): void {}

  bodyCancelled(): void {}

  private headRead(): void {
    const { head } = this.parser
    this.status = head.status
    if (head.status === 101) return this.fail(new TurnpikeError('ERR_UPSTREAM_UPGRADE'))
    if (head.status < 200) {
      if (++this.interims > MAX_INTERIM) this.fail(new TurnpikeError('ERR_UPSTREAM_HEAD'))
      return
    }
    const framing = head.framing(this.method)
    if (framing === 'none' || (framing === 'length' && head.contentLength === 0)) return this.answer()
    this.body = new Http1Body(this, framing, head.contentLength)
    this.body.attach(this)
  }

  private answer(): void {
    if (this.over) return
    this.close()
    this.events.answered(this.status, this.kept.bytes)
  }

  private fail(error: TurnpikeError): void {
    if (this.over) return
    this.close()
    this.events.failed(error)
  }
}
