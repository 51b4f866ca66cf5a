import { ChunkedDecoder } from '../../src/wire/http1/chunked-decoder.ts'
import { requestFraming } from '../../src/wire/http1/body-framing.ts'
import { defaultHeadLimits, FAULTY, MORE } from '../../src/wire/http1/head-parser.ts'
import { listElements } from '../../src/wire/http1/list-elements.ts'
import { RequestHeadParser, type RequestHead } from '../../src/wire/http1/request-head.ts'
import type { SeenRequest, Verdict } from './verdict.ts'

/** What Turnpike's wire makes of the pieces. `starts` says where in the whole each request began. */
export function ownVerdict(pieces: Buffer[]): Verdict & { starts: number[] } {
  const reader = new Reader()
  for (const piece of pieces) reader.take(piece)
  return reader.verdict()
}

class Reader {
  private readonly parser = new RequestHeadParser(defaultHeadLimits)
  private readonly chunks = new ChunkedDecoder()
  private readonly requests: SeenRequest[] = []
  private readonly starts = [0]
  private ending = ''
  private request: (SeenRequest & { received: string; left: number; last: boolean }) | null = null
  private total = 0

  take(piece: Buffer): void {
    for (let at = 0; at < piece.length && this.ending === '';) {
      at = this.request === null ? this.takeHead(piece, at) : this.takeBody(piece, at)
      const ended = this.request === null && this.ending === ''
      if (ended && this.starts.length === this.requests.length) this.starts.push(this.total + at)
    }
    this.total += piece.length
  }

  verdict(): Verdict & { starts: number[] } {
    const inside = this.request !== null || this.parser.started
    return { requests: this.requests, ending: this.ending || (inside ? 'incomplete' : 'end'), starts: this.starts }
  }

  private takeHead(piece: Buffer, at: number): number {
    const after = this.parser.read(piece, at, piece.length)
    if (after === MORE) return piece.length
    if (after === FAULTY) {
      this.ending = this.parser.error.code
      return piece.length
    }
    const { head } = this.parser
    this.request = {
      method: head.method,
      target: head.target,
      minor: head.versionMinor,
      fields: [...head.headers].flat(),
      body: null,
      trailers: [],
      received: '',
      left: head.contentLength,
      last: isLast(head),
    }
    this.requests.push(this.request)
    if (head.method === 'CONNECT') {
      this.ending = 'connect'
      return after
    }
    if (head.chunked) this.chunks.reset()
    else if (requestFraming(head) === 'none' || head.contentLength === 0) this.endRequest()
    return after
  }

  private takeBody(piece: Buffer, at: number): number {
    const request = this.request!
    if (request.left >= 0) {
      const stop = Math.min(piece.length, at + request.left)
      request.received += piece.toString('latin1', at, stop)
      request.left -= stop - at
      if (request.left === 0) this.endRequest()
      return stop
    }
    const stop = this.chunks.next(piece, at, piece.length)
    request.received += piece.toString('latin1', this.chunks.dataStart, this.chunks.dataEnd)
    if (this.chunks.fault !== null) this.ending = this.chunks.fault === 'chunk' ? 'ERR_CHUNK' : 'ERR_TRAILER'
    if (this.chunks.done) {
      request.trailers = this.chunks.trailers === null ? [] : [...this.chunks.trailers].flat()
      this.endRequest()
    }
    return stop
  }

  private endRequest(): void {
    const request = this.request!
    request.body = request.received
    if (request.last) this.ending = 'last'
    this.request = null
  }
}

/** Whether the connection ends after this request (RFC 9112 §9.3). */
function isLast(head: RequestHead): boolean {
  const options = listElements(head.headers.getAll('connection').join(',').toLowerCase())
  return options.includes('close') || (head.versionMinor === 0 && !options.includes('keep-alive'))
}
