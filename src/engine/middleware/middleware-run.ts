import { TurnpikeError } from '../../core/error.ts'
import type { Headers } from '../../core/headers.ts'
import { reasonPhrase } from '../../wire/http1/encode.ts'
import { BytesSource, type BodySink, type ReplyBody } from '../body.ts'
import type { BoundAddress, ClientPort, ExchangeWorker, ReplyHead, TakenConnection } from '../client-port.ts'
import type { Exchange, Reply } from '../exchange.ts'
import { ReplyPump } from '../http1/reply-pump.ts'
import type { BodyFilter } from './body-filter.ts'
import type { Middleware } from './middleware.ts'
import { ReplyGate } from './reply-gate.ts'
import { ResponseDraft } from './response-draft.ts'

/** Up to this much of a body that was replaced is read to its end, so that its connection can be used again. */
const DROPPED_BYTES = 64 * 1024

/** One exchange on its way through middleware: stands between whoever answers it and its client. */
export class MiddlewareRun implements ClientPort, ExchangeWorker {
  /** Who works on the exchange behind the middleware. */
  worker: ExchangeWorker | null = null
  private middlewares: readonly Middleware[]
  private readonly exchange: Exchange
  private readonly client: ClientPort
  private readonly report: (error: unknown) => void
  /** How many had their `request` called. */
  private entered = 0
  /** How many of those still have their `response` to come. */
  private toRespond = 0
  /** Where the reply's body goes. */
  private sink: BodySink
  private filters: readonly BodyFilter[] = none
  private gate: ReplyGate | null = null
  /** Counts failures: what a hook was waited for is worth nothing after one. */
  private failures = 0
  private over = false

  private constructor(middlewares: readonly Middleware[], exchange: Exchange, report: (error: unknown) => void) {
    this.middlewares = middlewares
    this.exchange = exchange
    this.report = report
    this.client = this.sink = exchange.client
  }

  /** `handler` is called where none of them answers. What they throw beside TurnpikeErrors is reported. */
  static start(
    middlewares: readonly Middleware[],
    exchange: Exchange,
    report: (error: unknown) => void,
    handler: () => void,
  ): void {
    const run = new MiddlewareRun(middlewares, exchange, report)
    exchange.client.worker = run
    exchange.client = run
    exchange.hooks = run
    run.enter(handler)
  }

  // On the way in.

  private enter(handler: () => void): void {
    const { middlewares, exchange } = this
    try {
      while (this.entered < middlewares.length) {
        const middleware = middlewares[this.entered++]!
        this.toRespond = this.entered
        const result = middleware.request?.(exchange)
        if (result === undefined) continue
        if (result instanceof Promise) {
          void this.wait(result, (reply) => {
            if (reply === undefined) this.enter(handler)
            else exchange.reply(reply)
          })
        } else {
          exchange.reply(result)
        }
        return
      }
    } catch (thrown) {
      this.threw(thrown)
      return
    }
    try {
      handler()
    } catch (thrown) {
      exchange.fail(TurnpikeError.from(thrown, 'route'))
    }
  }

  private async wait<T>(promise: Promise<T>, then: (value: T) => void): Promise<void> {
    const { failures } = this
    try {
      const value = await promise
      if (!this.over && failures === this.failures) then(value)
    } catch (thrown) {
      if (!this.over && failures === this.failures) this.threw(thrown)
    }
  }

  private threw(thrown: unknown): void {
    this.exchange.fail(this.errorOf(thrown))
  }

  private errorOf(thrown: unknown): TurnpikeError {
    if (thrown instanceof TurnpikeError) return thrown
    this.report(thrown)
    return new TurnpikeError('ERR_MIDDLEWARE', { cause: thrown })
  }

  // On the way out.

  interim(status: number, reason: string, headers: Headers): void {
    this.client.interim(status, reason, headers)
  }

  begin(head: ReplyHead): void {
    const draft = (this.exchange.response = new ResponseDraft(head))
    try {
      const waiting = this.respond()
      if (waiting === undefined) {
        this.deliver(draft)
      } else {
        this.sink = this.gate = new ReplyGate()
        void this.wait(waiting, () => this.beginLater(draft))
      }
    } catch (thrown) {
      // What still comes of the body is nobody's.
      this.sink = new ReplyGate()
      this.threw(thrown)
    }
  }

  private beginLater(draft: ResponseDraft): void {
    const waiting = this.respond()
    if (waiting !== undefined) {
      void this.wait(waiting, () => this.beginLater(draft))
      return
    }
    const { gate } = this
    this.gate = null
    this.deliver(draft)
    gate!.release(this.sink, () => this.worker?.clientReady())
  }

  private deliver(draft: ResponseDraft): void {
    if (draft.replacement === null) this.open(draft)
    else this.substitute(draft, draft.replacement)
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    return this.sink.write(bytes, start, end)
  }

  end(trailers: Headers | null): void {
    this.sink.end(trailers)
  }

  abort(error: TurnpikeError): void {
    if (this.gate === null) this.sink.abort(error)
    else this.fail(error)
  }

  flush(): void {
    this.sink.flush()
  }

  reply(reply: Reply): void {
    const { method } = this.exchange
    const { status, headers, body } = reply
    const length = body.kind === 'bytes' ? body.bytes.length : body.kind === 'source' ? body.source.length : 0
    const hasBody = body.kind !== 'none' && method !== 'HEAD' && status !== 204 && status !== 304
    const draft = new ResponseDraft({ status, reason: reasonPhrase(status), headers, length, hasBody, facts: null })
    this.exchange.response = draft
    this.respondThen(() => {
      const { replacement, filters } = draft
      if (replacement !== null && body.kind === 'source') body.source.cancel(new TurnpikeError('ERR_CLIENT_ABORT'))
      const sent: ReplyBody = replacement === null ? body : { kind: 'bytes', bytes: replacement }
      if (filters.length === 0 || sent.kind === 'none') {
        this.client.reply({ status: draft.status, headers, body: sent })
      } else if (this.open(draft)) {
        const pump = new ReplyPump(sent.kind === 'source' ? sent.source : new BytesSource(sent.bytes), this)
        this.worker = pump
        pump.start()
      }
    })
  }

  fail(error: TurnpikeError): void {
    this.gate = null
    this.failures++
    this.client.fail(error)
  }

  takeOver(status: number, reason: string, headers: Headers, bound?: BoundAddress | null): TakenConnection {
    const draft = new ResponseDraft({ status, reason, headers, length: 0, hasBody: false, facts: null })
    this.exchange.response = draft
    this.respondThen(() => {})
    return this.client.takeOver(status, reason, headers, bound)
  }

  /** Runs the `response` hooks that are still to come, innermost first, as far as the first that must be waited for. */
  private respond(): Promise<void> | undefined {
    const { exchange, middlewares } = this
    while (this.toRespond > 0) {
      const result = middlewares[--this.toRespond]!.response?.(exchange)
      if (result !== undefined) return result
    }
    return undefined
  }

  private respondThen(then: () => void): void {
    try {
      const waiting = this.respond()
      if (waiting === undefined) then()
      else void this.wait(waiting, () => this.respondThen(then))
    } catch (thrown) {
      this.threw(thrown)
    }
  }

  /** False where a filter could not be made: the exchange has failed. */
  private open(draft: ResponseDraft): boolean {
    let sink: BodySink = this.client
    try {
      for (let at = draft.filters.length - 1; at >= 0; at--) {
        const filter = draft.filters[at]!(sink, () => this.filterReady(at))
        this.filters = [filter, ...this.filters]
        sink = filter
      }
    } catch (thrown) {
      this.threw(thrown)
      return false
    }
    this.sink = sink
    this.client.begin(draft)
    return true
  }

  /** Sends bytes of ours; what comes of the body itself is dropped. */
  private substitute(draft: ResponseDraft, bytes: Buffer): void {
    const { worker } = this
    if (!this.open(draft)) return
    // Through the filters of those in front of who replaced it.
    const { sink } = this
    this.sink = nowhere
    sink.write(bytes, 0, bytes.length)
    sink.end(null)
    const unread = draft.receivedLength
    if (unread < 0 || unread > DROPPED_BYTES)
      worker?.clientGone(new TurnpikeError('ERR_CLIENT_ABORT', { message: dropped }))
    sink.flush()
  }

  private filterReady(at: number): void {
    if (at > 0) this.filters[at - 1]!.resume()
    else this.worker?.clientReady()
  }

  // The client's side.

  clientReady(): void {
    const last = this.filters.at(-1)
    if (last === undefined) this.worker?.clientReady()
    else last.resume()
  }

  clientGone(error: TurnpikeError): void {
    this.over = true
    for (const filter of this.filters) filter.cancel(error)
    const { worker } = this
    this.worker = null
    worker?.clientGone(error)
  }

  rehome(middlewares: readonly Middleware[]): void {
    this.middlewares = middlewares
  }

  finish(): void {
    this.over = true
    const { middlewares, exchange, worker } = this
    if (this.sink !== nowhere) {
      // The reply ended before the body did that it was to be made of.
      this.worker = null
      worker?.clientGone(new TurnpikeError('ERR_CLIENT_ABORT', { message: dropped }))
    }
    for (let at = this.entered - 1; at >= 0; at--) {
      try {
        middlewares[at]!.finish?.(exchange)
      } catch (thrown) {
        this.report(thrown)
      }
    }
  }
}

const none: readonly BodyFilter[] = []
const dropped = 'Its body is replaced.'

const nowhere: BodySink = {
  write: () => true,
  end() {},
  abort() {},
  flush() {},
}
