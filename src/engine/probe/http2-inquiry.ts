import type { ClientHttp2Session } from 'node:http2'
import { http2Codec } from '../http2/http2-codec.ts'
import { Duplex } from 'node:stream'
import { TurnpikeError } from '../../core/error.ts'
import type { Dialled, StreamEvents } from '../dial/dialled.ts'
import { ownHttp2Request } from '../http2/http2-request.ts'
import type { Inquiry, InquiryEvents, OwnRequest } from './inquiry.ts'
import { KeptBody } from './kept-body.ts'

const codecOptions = { settings: { enablePush: false, maxHeaderListSize: 64 * 1024 }, maxHeaderListPairs: 200 }

/** Asks by HTTP/2, with node:http2 as its codec. */
export class Http2Inquiry implements Inquiry, StreamEvents {
  answering = false
  private readonly dialled: Dialled
  private readonly events: InquiryEvents
  private readonly session: ClientHttp2Session
  private readonly kept = new KeptBody()
  private status = 0
  private over = false

  constructor(dialled: Dialled, request: OwnRequest, scheme: 'http' | 'https', events: InquiryEvents) {
    this.dialled = dialled
    this.events = events
    dialled.attach(this)
    const { socket } = dialled
    if (!(socket instanceof Duplex)) throw new TurnpikeError('ERR_INTERNAL', { message: 'HTTP/2 needs a stream.' })
    this.session = http2Codec().connect(`${scheme}://endpoint`, { ...codecOptions, createConnection: () => socket })
    this.session.on('error', (error: Error) => this.failed(error))
    this.session.on('close', () => this.closed())
    const stream = this.session.request(ownHttp2Request(request, scheme), { endStream: true })
    stream.on('response', ({ ':status': status = 0 }) => {
      this.status = status
      this.answering = true
    })
    stream.on('data', (chunk: Buffer) => {
      this.kept.add(chunk)
      if (this.kept.full) this.answer()
    })
    stream.on('error', (error) => this.failed(error))
    stream.on('aborted', () => this.failed(new Error('the stream was reset')))
    stream.on('end', () => this.answer())
  }

  close(): void {
    this.over = true
    this.session.destroy()
    this.dialled.abandon()
  }

  // Of the socket: node:http2 reads and writes it, and hears of its end.

  read(): boolean {
    return true
  }

  nextBuffer(): Buffer | null {
    return null
  }

  ended(): void {
    this.failed(new Error('the endpoint closed the connection'))
  }

  failed(cause: Error): void {
    if (this.over) return
    this.close()
    const { code = '' } = cause as NodeJS.ErrnoException
    // What is no HTTP/2 at all fails before any reply, in the codec's own words.
    const spoken = this.answering ? 'ERR_UPSTREAM_ABORT' : 'ERR_UPSTREAM_CLOSED'
    this.events.failed(new TurnpikeError(code.startsWith('ERR_HTTP2') ? 'ERR_UPSTREAM_HTTP2' : spoken, { cause }))
  }

  closed(): void {
    this.failed(new Error('the connection closed'))
  }

  private answer(): void {
    if (this.over) return
    if (this.status === 0) return this.failed(new Error('the stream ended without a reply'))
    this.close()
    this.events.answered(this.status, this.kept.bytes)
  }
}
