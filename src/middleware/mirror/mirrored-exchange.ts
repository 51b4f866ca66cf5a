import { TurnpikeError } from '../../core/error.ts'
import type { ClientPort, ExchangeWorker, ReplyHead, TakenConnection } from '../../engine/client-port.ts'
import type { Exchange, Reply } from '../../engine/exchange.ts'

/** What is read of a reply before its connection is closed instead. */
const DROPPED_BYTES = 64 * 1024

/** A client that wants no reply: takes whatever comes, and says when it was over. */
export class MirroredExchange implements ClientPort {
  worker: ExchangeWorker | null = null
  exchange!: Exchange
  /** It was handed to its upstream. */
  sent = false
  private readonly done: (answered: boolean) => void
  /** Nothing more becomes of it. */
  over = false
  private dropped = 0

  /** `done` is called once; `answered` is false where no reply came. */
  constructor(done: (answered: boolean) => void) {
    this.done = done
  }

  /** Ends it from this side. */
  cut(): void {
    if (this.over) return
    const { worker } = this
    this.worker = null
    this.finish()
    worker?.clientGone(new TurnpikeError('ERR_CLIENT_ABORT', { message: 'Nobody wants the rest of a mirrored reply.' }))
  }

  interim(): void {}

  begin(head: ReplyHead): void {
    this.exchange.status = head.status
  }

  write(_bytes: Buffer, start: number, end: number): boolean {
    this.dropped += end - start
    if (this.dropped > DROPPED_BYTES) this.cut()
    return true
  }

  end(): void {
    this.finish()
  }

  abort(error: TurnpikeError): void {
    this.fail(error)
  }

  flush(): void {}

  reply({ status, body }: Reply): void {
    this.exchange.status = status
    if (body.kind === 'source') body.source.cancel(new TurnpikeError('ERR_CLIENT_ABORT'))
    this.finish()
  }

  fail(error: TurnpikeError): void {
    this.exchange.error ??= error
    this.finish()
  }

  takeOver(): TakenConnection {
    // Copies ask for no upgrade, so nobody may give one.
    throw new TurnpikeError('ERR_INTERNAL', { message: 'A mirrored request was upgraded.' })
  }

  private finish(): void {
    if (this.over) return
    this.over = true
    this.done(this.exchange.status > 0 && this.exchange.error === null)
  }
}
