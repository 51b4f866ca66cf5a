import type { TurnpikeError } from '../../../core/error.ts'
import type { ExchangeWorker } from '../../../engine/client-port.ts'
import type { Exchange } from '../../../engine/exchange.ts'
import type { LibraryAsk } from '../library/answer.ts'
import { Trail } from '../origin/trail.ts'

/** One request whose answer takes time: tells those who work on it when its client goes. */
export class RequestRun implements ExchangeWorker {
  readonly exchange: Exchange
  /** What goes with its questions. */
  readonly ask: LibraryAsk
  /** Nobody waits for an answer any more. */
  gone = false
  /** Lets go of what was handed over for the reply, where nobody takes it: middleware may still be waiting in front of it. */
  release: () => void = () => {}
  private over = false
  private readonly controller = new AbortController()
  private readonly left: () => void

  /** `left` is called once, when it is over. */
  constructor(exchange: Exchange, left: () => void) {
    this.exchange = exchange
    this.left = left
    const trail = new Trail()
    exchange.decisions = trail.decisions
    exchange.client.worker = this
    // G20
    const fetch = exchange.headers.get('disable-module-fetch')?.toLowerCase() !== 'true'
    this.ask = { signal: this.controller.signal, trail, fetch }
  }

  clientReady(): void {}

  clientGone(error: TurnpikeError): void {
    this.gone = true
    this.controller.abort(error)
    this.release()
    this.finish()
  }

  /** The answer is out, or will never be. */
  finish(): void {
    if (this.over) return
    this.over = true
    // Names of the config's chain alone: labels of metrics are bounded.
    this.exchange.upstream = this.ask.trail.decisions.findLast(({ outcome }) => outcome === '200')?.by ?? ''
    this.left()
  }
}
